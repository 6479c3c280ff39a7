import { readFileSync } from "node:fs";
import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dispose as disposeTensors, memory, type Tensor2D, tensor2d, tidy, variableGrads } from "@tensorflow/tfjs";
import { dispose, parameters, RelativePosition, zeros } from "@tessera-lm/layers";
import { valueAndGradients } from "@tessera-lm/ops";
import type { HostTensor } from "@tessera-lm/weights";
import { openSafetensorsFile, writeSafetensorsFile } from "@tessera-lm/weights/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createEncoderDecoder, type EncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import type { EncoderDecoderConfig } from "../encoder-decoder/encoder-decoder-config.ts";
import { encoderDecoderShapes } from "../encoder-decoder/encoder-decoder-shapes.ts";
import { generate } from "../generation/generate.ts";
import { readModelConfig } from "../plan/read-model-config.ts";
import { loadModel } from "../storage/load-model.ts";
import { readModel } from "../storage/read-model.ts";
import { saveModel } from "../storage/save-model.ts";
import { collect } from "../testing/collect.ts";
import {
  greatestDifference,
  inTemporaryFolder,
  type Reference,
  readReference,
  readTensors,
} from "../testing/reference.ts";
import { t5Name } from "./t5.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

const size = { vocabSize: 64, numLayers: 2, numDecoderLayers: 1, numHeads: 4, width: 32, headWidth: 6 };
const configs: Record<string, Partial<EncoderDecoderConfig>> = {
  "t5-1.0": { activation: "relu", gated: false, tieEmbeddings: true, scaleOutputs: true },
  "t5-1.1": { activation: "gelu-tanh", gated: true, tieEmbeddings: false, scaleOutputs: false },
};

describe.each(Object.keys(configs))("the folder %s, saved by transformers", (name) => {
  let model: EncoderDecoder;
  let reference: Reference;
  let options: { mask: Tensor2D };
  beforeEach(async () => {
    model = await loadModel(fixture(name), "encoder-decoder");
    reference = await readReference(fixture(name));
    options = { mask: reference.ids("mask") };
  });
  afterEach(() => {
    options.mask.dispose();
    dispose(model);
  });

  test("has its configuration", () => {
    expect(model.config).toEqual({
      ...size,
      contextLength: 512,
      feedForwardWidth: 40,
      norm: "rms",
      normEpsilon: 1e-6,
      numBuckets: 8,
      maxDistance: 16,
      dropout: 0,
      decoderStartToken: 0,
      padToken: 0,
      endOfText: 1,
      ...configs[name],
    });
    const shapes = [...parameters(model)].map(([path, { shape }]) => [path, shape]);
    expect([...encoderDecoderShapes(model.config)]).toEqual(shapes);
  });

  test("computes the same", () => {
    const before = memory().numTensors;
    const memoryOf = tidy(() => model.encode(reference.ids("inputs"), options).dataSync());
    expect(greatestDifference(memoryOf, reference.numbers("memory"))).toBeLessThan(2e-5);
    const logits = tidy(() => model.forward(reference.ids("inputs"), reference.ids("written"), options).dataSync());
    expect(greatestDifference(logits, reference.numbers("logits"))).toBeLessThan(5e-5);
    const loss = tidy(() => model.loss(reference.ids("inputs"), reference.ids("targets"), options).dataSync());
    expect(greatestDifference(loss, reference.numbers("loss"))).toBeLessThan(1e-4);
    const losses = tidy(() =>
      model.tokenLosses(reference.ids("inputs"), reference.ids("targets"), options).sum().dataSync(),
    );
    expect(greatestDifference(losses, reference.numbers("loss"))).toBeLessThan(1e-4);
    expect(memory().numTensors).toBe(before);
  });

  test("writes the same text, greedily", async () => {
    const inputs = tensor2d(reference.numbers("inputs").slice(0, 12), [1, 12], "int32");
    const writer = model.reading(inputs);
    const tokens: number[] = [];
    for await (const token of generate(writer, [0], { maxNewTokens: 64, temperature: 0, stopTokens: [] }))
      tokens.push(token);
    expect(tokens).toEqual(Array.from(reference.numbers("greedy")));
    writer.dispose();
    inputs.dispose();
  });

  test("writes on beyond the length of its training as transformers does", async () => {
    const fields = JSON.parse(await readFile(join(fixture(name), "config.json"), "utf8"));
    const file = await openSafetensorsFile(join(fixture(name), "model.safetensors"));
    const short = await readModel({ ...fields, n_positions: 8 }, file, "encoder-decoder");
    await file.close();
    const inputs = tensor2d(reference.numbers("inputs").slice(0, 12), [1, 12], "int32");
    const writer = short.reading(inputs);
    const expected = Array.from(reference.numbers("greedy"));
    const tokens = await collect(generate(writer, [0], { maxNewTokens: 64, temperature: 0, stopTokens: [] }));
    expect(tokens).toEqual(expected);
    const rest = generate(writer, [0, ...expected.slice(0, 20)], { maxNewTokens: 44, temperature: 0, stopTokens: [] });
    expect(await collect(rest)).toEqual(expected.slice(20));
    writer.dispose();
    dispose([short, inputs]);
  });

  test("a writer that was disposed of, or has read two texts, is refused", async () => {
    const two = tensor2d(
      [
        [5, 6, 1],
        [7, 8, 1],
      ],
      [2, 3],
      "int32",
    );
    expect(() => model.reading(two)).toThrow("a writer continues one text, but there are 2 inputs");
    const one = tensor2d([[5, 6, 1]], [1, 3], "int32");
    const writer = model.reading(one);
    writer.dispose();
    const text = collect(generate(writer, [0], { maxNewTokens: 2 }));
    await expect(text).rejects.toThrow("the model's memory has been disposed of. Dispose of a model or a writer when");
    expect(() => writer.forward(one)).toThrow("the writer has been disposed of");
    disposeTensors([two, one]);
  });

  test("saved again holds the same tensors, and comes back as it was", () =>
    inTemporaryFolder(async (folder) => {
      await saveModel(model, folder);
      const ours = await readTensors(join(folder, "model.safetensors"));
      const theirs = await readTensors(join(fixture(name), "model.safetensors"));
      for (const [key, { shape, data }] of theirs) expect(ours.get(key), key).toEqual({ dtype: "F32", shape, data });
      expect(ours.size).toBe(theirs.size);
      const again = await loadModel(folder, "encoder-decoder");
      expect(again.config).toEqual(model.config);
      dispose(again);
    }));
});

test("T5's gradients are those of transformers, with and without checkpointing", async () => {
  const model = await loadModel(fixture("t5-1.0"), "encoder-decoder");
  const reference = await readReference(fixture("t5-1.0"));
  const own = parameters(model);
  const [inputs, targets, mask] = ["inputs", "targets", "mask"].map((name) => reference.ids(name));
  const { value, grads } = tidy(() => variableGrads(() => model.loss(inputs, targets, { mask }), [...own.values()]));
  let compared = 0;
  for (const [path, { name, rank }] of own) {
    const key = `gradient.${t5Name(path, model.config)}`;
    if (!reference.has(key)) continue;
    const isLinear = rank === 2 && !/Embedding|relativePosition/.test(path);
    const gradient = tidy(() => (isLinear ? grads[name].transpose() : grads[name]).dataSync());
    expect(greatestDifference(gradient, reference.numbers(key)), key).toBeLessThan(2e-4);
    compared++;
  }
  expect(compared).toBe(22);
  const again = tidy(() => {
    const loss = () => model.loss(inputs, targets, { mask, checkpointing: true });
    return valueAndGradients(loss, [...own.values()]).gradients.map((gradient) => gradient?.dataSync());
  });
  // What several blocks share is added up in another order.
  for (const [i, { name }] of [...own.values()].entries()) {
    expect(greatestDifference(again[i] ?? [], grads[name].dataSync())).toBeLessThan(1e-5);
  }
  disposeTensors([value, grads, inputs, targets, mask] as never);
  dispose(model);
});

test("buckets of distances are those of transformers", async () => {
  const reference = await readReference(fixture("t5-1.0"));
  const weight = zeros<never>([32, 1] as never);
  for (const [stack, bidirectional] of [
    ["encoder", true],
    ["decoder", false],
  ] as const) {
    const positions = new RelativePosition(weight, bidirectional, 128);
    const buckets = Array.from({ length: 601 }, (_, i) => positions.bucket(i - 300));
    expect(buckets).toEqual(Array.from(reference.numbers(`buckets.${stack}`)));
  }
  weight.dispose();
});

interface Buckets {
  readonly numBuckets: number;
  readonly maxDistance: number;
  readonly encoder: readonly number[];
  readonly decoder: readonly number[];
}
const allBuckets: Buckets[] = JSON.parse(readFileSync(fixture("buckets.json"), "utf8"));

test.each(allBuckets)("$numBuckets buckets up to $maxDistance are those of transformers", (expected) => {
  const { numBuckets, maxDistance } = expected;
  const model = createEncoderDecoder({ ...size, headWidth: 8, numBuckets, maxDistance }, 1);
  const weight = zeros<never>([numBuckets, 1] as never);
  for (const stack of ["encoder", "decoder"] as const) {
    const positions = new RelativePosition(weight, stack === "encoder", maxDistance);
    expect(Array.from({ length: 81 }, (_, i) => positions.bucket(i - 40))).toEqual(expected[stack]);
  }
  dispose([model, weight]);
});

test.each([
  ["encoder.embed_tokens.weight"],
  ["decoder.embed_tokens.weight"],
  ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"],
  ["decoder.embed_tokens.weight", "shared.weight"],
  ["shared.weight", "encoder.embed_tokens.weight"],
])("a T5 whose table is stored as %s %s opens as the same, and is planned as it is", (...names) =>
  inTemporaryFolder(async (folder) => {
    await cp(fixture("t5-1.0"), folder, { recursive: true });
    const path = join(folder, "model.safetensors");
    const tensors = await readTensors(path);
    const table = tensors.get("shared.weight") as HostTensor;
    tensors.delete("shared.weight");
    const other = { ...table, data: new Float32Array(64 * 32) };
    const hasUsual = names.includes("shared.weight"); // which wins
    for (const name of names) tensors.set(name, hasUsual && name !== "shared.weight" ? other : table);
    tensors.set("lm_head.weight", table);
    await writeSafetensorsFile(path, tensors);
    const model = await loadModel(folder, "encoder-decoder");
    const original = await loadModel(fixture("t5-1.0"), "encoder-decoder");
    const tableOf = (of: object) => parameters(of).get("tokenEmbedding.weight")?.dataSync();
    expect(tableOf(model)).toEqual(tableOf(original));
    expect(model.config).toEqual(original.config);
    expect(await readModelConfig(folder)).toEqual({ kind: "encoder-decoder", ...original.config });
    dispose([model, original]);
  }),
);

test("an encoder-decoder that is no T5 is saved in our own format", () =>
  inTemporaryFolder(async (folder) => {
    const model = createEncoderDecoder({ ...size, headWidth: 8, norm: "layer", gated: true, activation: "gelu" }, 1);
    await saveModel(model, folder);
    const loaded = await loadModel(folder, "encoder-decoder");
    expect(loaded.config).toEqual(model.config);
    const values = (of: object): unknown => [...parameters(of)].map(([name, value]) => [name, value.dataSync()]);
    expect(values(loaded)).toEqual(values(model));
    dispose([model, loaded]);
  }));
