import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dispose as disposeTensors, memory, type Tensor2D, tensor, tidy, variableGrads } from "@tensorflow/tfjs";
import { dispose, parameters, replaceModules } from "@tessera-lm/layers";
import type { HostTensor } from "@tessera-lm/weights";
import { openSafetensorsFile, writeSafetensorsFile } from "@tessera-lm/weights/node";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Gpt2Config } from "../config.ts";
import type { Decoder } from "../decoder/decoder.ts";
import { createGpt2, type Gpt2 } from "../decoder/gpt2.ts";
import { ConfigError, ModelFileError, TensorMismatchError, UnsupportedModelError } from "../errors.ts";
import { huggingFaceNames } from "../families/gpt2.ts";
import { generate } from "../generation/generate.ts";
import { loadModel } from "./load-model.ts";
import { saveModel } from "./save-model.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

let folder: string;
let tensorsBefore: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tessera-gpt-"));
  tensorsBefore = memory().numTensors;
});
afterEach(async () => {
  await rm(folder, { recursive: true });
  expect(memory().numTensors).toBe(tensorsBefore); // also after every failed load
});

async function readTensors(path: string): Promise<Map<string, HostTensor>> {
  const file = await openSafetensorsFile(path);
  const tensors = new Map<string, HostTensor>();
  for (const name of file.entries.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

function greatestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Array.from(actual).reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0);
}

const configs: Record<string, Partial<Gpt2Config>> = {
  "gelu-new": { activation: "gelu-tanh" },
  "gelu-f16": { activation: "gelu" },
  "relu-untied": { activation: "relu", width: 16, feedForwardWidth: 40, tieEmbeddings: false },
};

describe.each(Object.keys(configs))("the folder %s, saved by transformers", (name) => {
  let reference: Map<string, HostTensor>;
  let model: Gpt2 | Decoder;
  beforeEach(async () => {
    reference = await readTensors(join(fixture(name), "reference.safetensors"));
    model = await loadModel(fixture(name));
  });
  afterEach(() => dispose(model));

  const values = (key: string): Float32Array => reference.get(key)?.data as Float32Array;
  const ids = (key: string): Tensor2D => tensor(reference.get(key)?.data as Int32Array, [2, 9], "int32");

  test("has its configuration", () => {
    expect(model.config).toEqual({
      vocabSize: 96,
      contextLength: 32,
      numLayers: 2,
      numHeads: 4,
      width: 32,
      feedForwardWidth: 128,
      tieEmbeddings: true,
      dropout: 0,
      bias: true,
      layerNormEpsilon: 1e-5,
      endOfText: 95,
      ...configs[name],
    });
  });

  test("gives the same logits", () => {
    const logits = tidy(() => model.forward(ids("tokens")).dataSync());
    expect(greatestDifference(logits, values("logits"))).toBeLessThan(1e-5);
  });

  test("gives the same loss, by both roads", () => {
    const loss = tidy(() => model.loss(ids("tokens"), ids("targets")).dataSync());
    const losses = tidy(() => model.tokenLosses(ids("tokens"), ids("targets")).sum().dataSync());
    expect(greatestDifference(loss, values("loss"))).toBeLessThan(1e-4);
    expect(greatestDifference(losses, values("loss"))).toBeLessThan(1e-4);
  });

  test("gives the same gradients", () => {
    const own = parameters(model);
    const { value, grads } = tidy(() =>
      variableGrads(() => model.loss(ids("tokens"), ids("targets")), [...own.values()]),
    );
    let compared = 0;
    for (const [path, { name: variable }] of own) {
      const key = `gradient.${huggingFaceNames(path)}`;
      if (!reference.has(key)) continue;
      expect(greatestDifference(grads[variable].dataSync(), values(key)), key).toBeLessThan(1e-4);
      compared++;
    }
    disposeTensors([value, grads]);
    expect(compared).toBe(10);
  });

  test("continues a text the same way, greedily", async () => {
    const prompt = (reference.get("tokens")?.data as Int32Array).slice(0, 5);
    const tokens: number[] = [];
    const options = { maxNewTokens: 20, temperature: 0, stopTokens: [] };
    for await (const token of generate(model, prompt, options)) tokens.push(token);
    expect(tokens).toEqual(Array.from(reference.get("greedy")?.data as Int32Array));
  });

  test("saved again holds the same tensors in float32", async () => {
    await saveModel(model, folder);
    const ours = await readTensors(join(folder, "model.safetensors"));
    const theirs = await readTensors(join(fixture(name), "model.safetensors"));
    const prefix = name === "gelu-f16" ? "transformer." : "";
    expect(new Set(ours.keys())).toEqual(new Set([...theirs.keys()].map((key) => prefix + key)));
    for (const [key, { shape, data }] of theirs) {
      expect(ours.get(prefix + key)).toEqual({ dtype: "F32", shape, data });
    }
  });
});

test("our config.json agrees with that of transformers in every field that we write, but for two of its own", async () => {
  const model = await loadModel(fixture("gelu-new"));
  await saveModel(model, folder);
  dispose(model);
  const read = async (path: string): Promise<object> => JSON.parse(await readFile(path, "utf8"));
  for (const file of ["config.json", "generation_config.json"]) {
    const { torch_dtype: _, ...ours } = (await read(join(folder, file))) as Record<string, unknown>;
    expect(await read(join(fixture("gelu-new"), file))).toMatchObject(ours);
  }
  expect((await readdir(folder)).sort()).toEqual(["config.json", "generation_config.json", "model.safetensors"]);
});

describe.each([true, false])("a model of ours with bias %s", (bias) => {
  const config = { vocabSize: 13, contextLength: 6, numLayers: 2, numHeads: 2, width: 8, bias, dropout: 0.1 };

  test("comes back as it was", async () => {
    const model = createGpt2({ ...config, activation: "gelu", layerNormEpsilon: 1e-6 }, 1);
    await saveModel(model, join(folder, "new", "folder"));
    const loaded = await loadModel(join(folder, "new", "folder"));
    expect(loaded.config).toEqual(model.config);
    const values = (of: object): unknown => [...parameters(of)].map(([path, value]) => [path, value.dataSync()]);
    expect(values(loaded)).toEqual(values(model));
    dispose([model, loaded]);
  });

  test("is stored with the biases that GPT-2 in transformers has", async () => {
    const model = createGpt2(config, 1);
    await saveModel(model, folder);
    dispose(model);
    const tensors = await readTensors(join(folder, "model.safetensors"));
    expect(tensors.size).toBe(2 + 2 * 12 + 2);
    expect(tensors.get("transformer.h.1.mlp.c_fc.bias")).toEqual({
      dtype: "F32",
      shape: [32],
      data: new Float32Array(32),
    });
    expect(tensors.has("lm_head.weight")).toBe(false);
  });
});

test("a bias-free model that has got biases elsewhere keeps them", async () => {
  const model = createGpt2({ vocabSize: 13, contextLength: 6, numLayers: 1, numHeads: 2, width: 8, bias: false }, 1);
  await saveModel(model, folder);
  dispose(model);
  await change((tensors) => {
    const bias = tensors.get("transformer.ln_f.bias") as HostTensor;
    tensors.set("transformer.ln_f.bias", { ...bias, data: new Float32Array(8).fill(0.5) });
  });
  const loaded = await loadModel(folder);
  expect(loaded.config.bias).toBe(true);
  expect(parameters(loaded).get("finalNorm.shift")?.dataSync()).toEqual(new Float32Array(8).fill(0.5));
  dispose(loaded);
});

test("saving reads no value synchronously, which some backends cannot, and fetches one tensor at a time", async () => {
  const model = createGpt2({ vocabSize: 13, contextLength: 6, numLayers: 1, numHeads: 2, width: 8 }, 1);
  let fetching = 0;
  const most: number[] = [];
  for (const parameter of parameters(model).values()) {
    const values = await parameter.data();
    vi.spyOn(parameter, "dataSync").mockImplementation(() => expect.fail("dataSync"));
    vi.spyOn(parameter, "data").mockImplementation(async () => {
      most.push(++fetching);
      await new Promise((resolve) => setTimeout(resolve, 1));
      fetching--;
      return values as never;
    });
  }
  await saveModel(model, folder);
  expect(most).toEqual(Array(parameters(model).size).fill(1));
  vi.restoreAllMocks();
  const loaded = await loadModel(folder);
  expect(parameters(loaded).get("finalNorm.scale")?.dataSync()).toEqual(new Float32Array(8).fill(1));
  dispose([model, loaded]);
});

describe("generation_config.json", () => {
  const read = async (file: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(join(folder, file), "utf8"));
  /** The folder with this file in it. */
  const withGeneration = async (text: string): Promise<void> => {
    await cp(fixture("gelu-new"), folder, { recursive: true });
    await writeFile(join(folder, "generation_config.json"), text);
  };

  test("says where a text ends, and comes back", async () => {
    const reference = await readTensors(join(fixture("gelu-new"), "reference.safetensors"));
    const [tokens, greedy] = ["tokens", "greedy"].map((name) => Array.from(reference.get(name)?.data as Int32Array));
    const ends = [greedy[12], greedy[7]];
    await withGeneration(JSON.stringify({ eos_token_id: ends }));
    const model = await loadModel(folder);
    expect(model.config.endOfText).toEqual(ends);
    const text: number[] = [];
    const options = { maxNewTokens: 20, temperature: 0 };
    for await (const token of generate(model, tokens.slice(0, 5), options)) text.push(token);
    expect(text).toEqual(
      greedy.slice(
        0,
        greedy.findIndex((token) => ends.includes(token)),
      ),
    );
    await saveModel(model, folder);
    expect(await read("config.json")).toMatchObject({ eos_token_id: ends, bos_token_id: ends[0] });
    expect(await read("generation_config.json")).toMatchObject({ eos_token_id: ends });
    const again = await loadModel(folder);
    expect(again.config).toEqual(model.config);
    dispose([model, again]);
  });

  test.each(["{}", '{"eos_token_id": null}', '{"temperature": 0.6}'])("%s leaves it to config.json", async (text) => {
    await withGeneration(text);
    const model = await loadModel(folder);
    expect(model.config.endOfText).toBe(95);
    dispose(model);
  });

  test.each(["config.json", "generation_config.json"])("damaged ends in %s are named", async (file) => {
    await withGeneration("{}");
    const fields = await read(file);
    for (const [field, value] of [
      ["eos_token_id", "x"],
      ["eos_token_id", [2, {}]],
      ["bos_token_id", 1.5],
    ] as const) {
      await writeFile(join(folder, file), JSON.stringify({ ...fields, [field]: value }));
      const loading = loadModel(folder);
      await expect(loading).rejects.toThrow(ConfigError);
      await expect(loading).rejects.toThrow(`${join(folder, file)}: ${field} is ${JSON.stringify(value)}; it must be`);
    }
  });

  test("may be missing, and is named when it is damaged", async () => {
    await withGeneration("{");
    await expect(loadModel(folder)).rejects.toThrow(/generation_config.json is not JSON/);
    await rm(join(folder, "generation_config.json"));
    dispose(await loadModel(folder));
  });

  test.each([
    [-1, undefined],
    [96, undefined],
    [[96, 3, -1], [3]],
    [0, 0],
  ])("eos_token_id %j counts as far as the vocabulary has it", async (eos_token_id, endOfText) => {
    await withGeneration(JSON.stringify({ eos_token_id }));
    const model = await loadModel(folder);
    expect(model.config.endOfText).toEqual(endOfText);
    dispose(model);
  });
});

test("masks and the tied head that older files carry are ignored", async () => {
  await cp(fixture("gelu-new"), folder, { recursive: true });
  await change((tensors) => {
    const mask: HostTensor = { dtype: "U8", shape: [1, 1, 2, 2], data: new Uint8Array(4) };
    tensors.set("transformer.h.0.attn.bias", mask);
    tensors.set("transformer.h.1.attn.masked_bias", { dtype: "F32", shape: [], data: new Float32Array(1) });
    tensors.set("lm_head.weight", tensors.get("transformer.wte.weight") as HostTensor);
  });
  dispose(await loadModel(folder));
});

/** Rewrites the weights in `folder`. */
async function change(edit: (tensors: Map<string, HostTensor>) => void): Promise<void> {
  const path = join(folder, "model.safetensors");
  const tensors = await readTensors(path);
  edit(tensors);
  await writeSafetensorsFile(path, tensors);
}

test("tensors that are missing, unknown or of another shape are named", async () => {
  await cp(fixture("gelu-new"), folder, { recursive: true });
  await change((tensors) => {
    tensors.delete("transformer.h.1.ln_2.bias");
    tensors.set("score.weight", { dtype: "F32", shape: [2], data: new Float32Array(2) });
    tensors.set("transformer.h.0.attn.c_attn.weight", {
      dtype: "F32",
      shape: [96, 32],
      data: new Float32Array(96 * 32),
    });
  });
  const error = await loadModel(folder).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TensorMismatchError);
  expect((error as TensorMismatchError).problems).toEqual([
    "transformer.h.0.attn.c_attn.weight is [96,32], expected [32,96]",
    "missing: transformer.h.1.ln_2.bias [32]",
    "unknown: score.weight",
  ]);
  expect((error as Error).message).toBe(
    `${folder} does not hold the GPT-2 of its config.json: ` +
      "transformer.h.0.attn.c_attn.weight is [96,32], expected [32,96]; missing: transformer.h.1.ln_2.bias [32]; " +
      "unknown: score.weight.",
  );
});

test("a message lists five problems in one line, and counts the rest", () => {
  const error = new TensorMismatchError("a file does not fit", ["a", "b", "c", "d", "e", "f", "g"]);
  expect(error.message).toBe("a file does not fit: a; b; c; d; e; and 2 more (error.problems lists all 7).");
  expect(error.problems).toHaveLength(7);
});

test("weights that are not floating point are refused", async () => {
  await cp(fixture("gelu-new"), folder, { recursive: true });
  await change((tensors) => {
    tensors.set("transformer.ln_f.bias", { dtype: "I32", shape: [32], data: new Int32Array(32) });
  });
  await expect(loadModel(folder)).rejects.toThrow(/transformer.ln_f.bias is I32/);
});

test.each([
  [
    { model_type: "mamba" },
    UnsupportedModelError,
    /config.json: model_type is "mamba", .* supported is "gpt2" or "llama"/,
  ],
  [{ model_type: undefined }, UnsupportedModelError, /model_type is undefined/],
  [{ activation_function: "tanh" }, UnsupportedModelError, /activation_function is "tanh".*"gelu_new"/],
  [{ n_inner: 100 }, TensorMismatchError, /h.0.mlp.c_fc.weight is \[32,128\], expected \[32,100\]/],
  [{ tie_word_embeddings: false }, TensorMismatchError, /missing: lm_head.weight \[96,32\]/],
  [{ scale_attn_by_inverse_layer_idx: true }, UnsupportedModelError, /scale_attn_by_inverse_layer_idx/],
  [{ n_head: 5 }, ConfigError, /config.json.*width is 32.*numHeads, which is 5/],
  [{ n_layer: "2" }, ConfigError, /numLayers is "2"/],
])("a config.json with %j is refused", async (changes, type, message) => {
  await cp(fixture("gelu-new"), folder, { recursive: true });
  const path = join(folder, "config.json");
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...changes }));
  const error = await loadModel(folder).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(type);
  expect((error as Error).message).toMatch(message);
});

test("no value in config.json does worse than a typed error", async () => {
  await cp(fixture("gelu-new"), folder, { recursive: true });
  const path = join(folder, "config.json");
  const original = JSON.parse(await readFile(path, "utf8"));
  const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom(0, -1, 1e6, 2 ** 53, 1e300));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...Object.keys(original)), value, async (field, changed) => {
      await writeFile(path, JSON.stringify({ ...original, [field]: changed }));
      const result: unknown = await loadModel(folder).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toHaveProperty("isTesseraError", true);
      else dispose(result as object);
    }),
  );
});

test.each(["[]", "null", "3", '"gpt2"'])("a config.json that is %s is refused", async (text) => {
  await writeFile(join(folder, "config.json"), text);
  await expect(loadModel(folder)).rejects.toThrow(ConfigError);
});

test("what is not there, or not JSON, is named", async () => {
  await expect(loadModel(join(folder, "nowhere"))).rejects.toThrow(/no file or folder .*nowhere/);
  await writeFile(join(folder, "config.json"), "{");
  await expect(loadModel(folder)).rejects.toThrow(ModelFileError);
  await cp(join(fixture("gelu-new"), "config.json"), join(folder, "config.json"));
  await expect(loadModel(folder)).rejects.toThrow(/has neither model.safetensors nor/);
  await writeFile(join(folder, "pytorch_model.bin"), "");
  await expect(loadModel(folder)).rejects.toThrow(/pytorch_model.bin/);
});

test("a model whose parts were replaced is not written", async () => {
  const model = createGpt2({ vocabSize: 13, contextLength: 6, numLayers: 1, numHeads: 2, width: 8 }, 1);
  const all = [...parameters(model).values()];
  replaceModules(model, (path, module) => {
    return path.endsWith("qkv")
      ? Object.assign(Object.create(module), { base: module, forward: module.forward })
      : undefined;
  });
  const error = await saveModel(model, folder).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(TensorMismatchError);
  expect((error as TensorMismatchError).problems).toContain("not of GPT-2: blocks.0.attention.qkv.base.weight");
  expect(await readdir(folder)).toEqual([]);
  for (const parameter of all) parameter.dispose();
});
