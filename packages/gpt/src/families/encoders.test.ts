import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dispose as disposeTensors, memory, type Tensor, tidy, variableGrads, zerosLike } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import { valueAndGradients } from "@tessera-lm/ops";
import { writeSafetensorsFile } from "@tessera-lm/weights/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEncoder, type Encoder, type EncoderOptions } from "../encoder/encoder.ts";
import type { EncoderConfig } from "../encoder/encoder-config.ts";
import { encoderShapes } from "../encoder/encoder-shapes.ts";
import { ConfigError, MissingHeadError, WrongKindError } from "../errors.ts";
import { loadModel } from "../storage/load-model.ts";
import { saveModel } from "../storage/save-model.ts";
import {
  greatestDifference,
  inTemporaryFolder,
  type Reference,
  readReference,
  readTensors,
} from "../testing/reference.ts";
import { bertName } from "./bert.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

const size = { vocabSize: 64, contextLength: 16, numLayers: 2, numHeads: 4, width: 32, feedForwardWidth: 48 };
const configs: Record<string, Partial<EncoderConfig>> = {
  "bert-masked": { maskedHead: true },
  "bert-bare": { activation: "gelu-tanh", normEpsilon: 1e-6, pooler: true },
  "bert-classes": { activation: "relu", pooler: true, numLabels: 3 },
};

describe.each(Object.keys(configs))("the folder %s, saved by transformers", (name) => {
  let model: Encoder;
  let reference: Reference;
  let options: EncoderOptions;
  beforeEach(async () => {
    model = await loadModel(fixture(name), "encoder");
    reference = await readReference(fixture(name));
    options = { mask: reference.ids("mask"), tokenTypes: reference.ids("types") };
  });
  afterEach(() => dispose([model, options]));

  test("has its configuration", () => {
    expect(model.config).toEqual({
      ...size,
      numTokenTypes: 2,
      activation: "gelu",
      gated: false,
      norm: "layer",
      normEpsilon: 1e-12,
      postNorm: true,
      positions: "learned",
      ropeTheta: 10_000,
      dropout: 0,
      bias: true,
      maskedHead: false,
      pooler: false,
      padToken: 0,
      ...configs[name],
    });
    const shapes = [...parameters(model)].map(([path, { shape }]) => [path, shape]);
    expect([...encoderShapes(model.config)]).toEqual(shapes);
  });

  test("computes the same", () => {
    const compared = (key: string, compute: () => Tensor): void => {
      if (!reference.has(key)) return expect(compute).toThrow(MissingHeadError);
      const values = tidy(() => compute().dataSync());
      expect(greatestDifference(values, reference.numbers(key)), key).toBeLessThan(2e-5);
    };
    const tokens = reference.ids("tokens");
    compared("hidden", () => model.hidden(tokens, options));
    compared("embeddings", () => model.embed(tokens, options));
    compared("pooled", () => model.pooled(tokens, options));
    compared("logits", () =>
      name === "bert-masked" ? model.forward(tokens, options) : model.classify(tokens, options),
    );
    tokens.dispose();
  });

  test("saved again holds the same tensors, and comes back as it was", () =>
    inTemporaryFolder(async (folder) => {
      await saveModel(model, folder);
      const ours = await readTensors(join(folder, "model.safetensors"));
      const theirs = await readTensors(join(fixture(name), "model.safetensors"));
      const prefix = name === "bert-bare" ? "bert." : "";
      for (const [key, { shape, data }] of theirs)
        expect(ours.get(prefix + key)).toEqual({ dtype: "F32", shape, data });
      expect(ours.size).toBe(theirs.size);
      const again = await loadModel(folder, "encoder");
      expect(again.config).toEqual(model.config);
      dispose(again);
    }));
});

describe("masked tokens", () => {
  let model: Encoder;
  let reference: Reference;
  beforeEach(async () => {
    model = await loadModel(fixture("bert-masked"), "encoder");
    reference = await readReference(fixture("bert-masked"));
  });
  afterEach(() => dispose(model));

  const inputs = (): [tokens: ReturnType<Reference["ids"]>, targets: ReturnType<Reference["ids"]>, EncoderOptions] => [
    reference.ids("tokens"),
    reference.ids("targets"),
    { mask: reference.ids("mask"), tokenTypes: reference.ids("types") },
  ];

  test("have the same loss by both roads", () => {
    const before = memory().numTensors;
    const loss = tidy(() => model.loss(...inputs()).dataSync());
    const losses = tidy(() =>
      model
        .tokenLosses(...inputs())
        .sum()
        .dataSync(),
    );
    expect(greatestDifference(loss, reference.numbers("loss"))).toBeLessThan(1e-4);
    expect(greatestDifference(losses, reference.numbers("loss"))).toBeLessThan(1e-4);
    expect(memory().numTensors).toBe(before);
  });

  test("have the same gradients, with and without checkpointing", () => {
    const own = parameters(model);
    const all = inputs();
    const { value, grads } = tidy(() => variableGrads(() => model.loss(...all), [...own.values()]));
    let compared = 0;
    for (const [path, { name, rank }] of own) {
      const key = `gradient.${bertName(path)}`;
      if (!reference.has(key)) continue;
      const isLinear = rank === 2 && !path.includes("Embedding");
      const gradient = tidy(() => (isLinear ? grads[name].transpose() : grads[name]).dataSync());
      expect(greatestDifference(gradient, reference.numbers(key)), key).toBeLessThan(1e-4);
      compared++;
    }
    expect(compared).toBe(26);
    const again = tidy(() => {
      const loss = () => model.loss(all[0], all[1], { ...all[2], checkpointing: true });
      return valueAndGradients(loss, [...own.values()]).gradients.map((gradient) => gradient?.dataSync());
    });
    expect(again).toEqual([...own.values()].map(({ name }) => grads[name].dataSync()));
    disposeTensors([value, grads, ...all.slice(0, 2), all[2]] as never);
  });
});

test("padding changes nothing where it is masked", async () => {
  const model = await loadModel(fixture("bert-bare"), "encoder");
  const reference = await readReference(fixture("bert-bare"));
  const whole = tidy(() =>
    model
      .embed(reference.ids("tokens"), { mask: reference.ids("mask") })
      .slice(1, 1)
      .dataSync(),
  );
  const empty = tidy(() => model.embed(reference.ids("tokens"), { mask: zerosLike(reference.ids("mask")) }).dataSync());
  expect([...empty].every((each) => each === 0)).toBe(true);
  const short = tidy(() => model.embed(reference.ids("tokens").slice([1, 0], [1, 6])).dataSync());
  expect(greatestDifference(whole, short)).toBeLessThan(1e-6);
  dispose(model);
});

test("the first BERTs' names of norms are understood, and what nobody needs is passed over", () =>
  inTemporaryFolder(async (folder) => {
    const model = createEncoder({ ...size, pooler: true }, 1);
    await saveModel(model, folder);
    const path = join(folder, "model.safetensors");
    const old = [...(await readTensors(path))].map(([name, tensor]) => {
      return [
        name.replace(/LayerNorm.weight$/, "LayerNorm.gamma").replace(/LayerNorm.bias$/, "LayerNorm.beta"),
        tensor,
      ] as const;
    });
    const more = { dtype: "F32", shape: [2], data: new Float32Array(2) } as const;
    await writeSafetensorsFile(path, [...old, ["cls.seq_relationship.bias", more]]);
    const loaded = await loadModel(folder, "encoder");
    const values = (of: object): unknown => [...parameters(of)].map(([name, value]) => [name, value.dataSync()]);
    expect(values(loaded)).toEqual(values(model));
    dispose([model, loaded]);
  }));

test("the names of classes come back, and are those of transformers in config.json", () =>
  inTemporaryFolder(async (folder) => {
    await cp(fixture("bert-classes"), folder, { recursive: true });
    const path = join(folder, "config.json");
    const read = async (): Promise<object> => JSON.parse(await readFile(path, "utf8"));
    const names = { id2label: { 0: "bad", 1: "so so", 2: "good" }, label2id: { bad: 0, "so so": 1, good: 2 } };
    await writeFile(path, JSON.stringify({ ...(await read()), ...names }));
    const model = await loadModel(folder, "encoder");
    expect(model.config.labels).toEqual(["bad", "so so", "good"]);
    await saveModel(model, folder);
    expect(await read()).toMatchObject(names);
    const again = await loadModel(folder, "encoder");
    expect(again.config).toEqual(model.config);
    dispose([model, again]);
  }));

test("as many names as classes", () => {
  const make = (labels: unknown) => () =>
    createEncoder({ ...size, pooler: true, numLabels: 2, labels } as EncoderConfig, 1);
  expect(make(["a"])).toThrow(/labels is \["a"\]; it must be as many names as numLabels, which is 2/);
  expect(make([1, 2])).toThrow(ConfigError);
  dispose(make(["a", "b"])());
});

test("an encoder that is no BERT is saved in our own format", () =>
  inTemporaryFolder(async (folder) => {
    const more = {
      norm: "rms",
      gated: true,
      activation: "silu",
      postNorm: false,
      positions: "rotary",
      bias: false,
    } as const;
    const model = createEncoder({ ...size, ...more, numTokenTypes: 0 }, 1);
    await saveModel(model, folder);
    const loaded = await loadModel(folder, "encoder");
    expect(loaded.config).toEqual(model.config);
    const values = (of: object): unknown => [...parameters(of)].map(([name, value]) => [name, value.dataSync()]);
    expect(values(loaded)).toEqual(values(model));
    dispose([model, loaded]);
  }));

test("an encoder where a decoder is expected is named, and how to open it", async () => {
  await expect(loadModel(fixture("bert-bare"))).rejects.toThrow(WrongKindError);
  await expect(loadModel(fixture("bert-bare"))).rejects.toThrow(
    /"bert" is of the kind encoder: .*loadModel\(folder, "encoder"\)/,
  );
});
