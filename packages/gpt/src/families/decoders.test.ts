import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dispose as disposeTensors, tidy, variableGrads } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDecoder, type Decoder } from "../decoder/decoder.ts";
import type { DecoderConfig } from "../decoder/decoder-config.ts";
import { decoderShapes } from "../decoder/decoder-shapes.ts";
import type { Gpt2 } from "../decoder/gpt2.ts";
import { generate } from "../generation/generate.ts";
import { loadModel } from "../storage/load-model.ts";
import { saveModel } from "../storage/save-model.ts";
import {
  greatestDifference,
  inTemporaryFolder,
  type Reference,
  readReference,
  readTensors,
} from "../testing/reference.ts";
import { type DecoderFamily, llama, llamaName } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { qwen2 } from "./qwen2.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

const size = { vocabSize: 64, contextLength: 96, numLayers: 2, numHeads: 4, width: 32, feedForwardWidth: 48 };
const configs: Record<string, Partial<DecoderConfig>> = {
  llama2: { family: "llama", tieEmbeddings: true },
  llama3: {
    family: "llama",
    numKeyValueHeads: 2,
    headWidth: 12,
    normEpsilon: 1e-5,
    ropeTheta: 500_000,
    ropeScaling: {
      type: "llama3",
      factor: 8,
      lowFrequencyFactor: 1,
      highFrequencyFactor: 4,
      originalContextLength: 32,
    },
  },
  "llama-yarn": {
    family: "llama",
    numKeyValueHeads: 2,
    bias: true,
    queryKeyValueBias: true,
    feedForwardBias: true,
    ropeScaling: { type: "yarn", factor: 4, originalContextLength: 24 },
  },
  "llama-half-biased": {
    family: "llama",
    numLayers: 1,
    numKeyValueHeads: 1,
    tieEmbeddings: true,
    bias: true,
    queryKeyValueBias: true,
  },
  "llama-linear": {
    family: "llama",
    numKeyValueHeads: 1,
    tieEmbeddings: true,
    ropeScaling: { type: "linear", factor: 2 },
  },
  mistral: { family: "mistral", numKeyValueHeads: 2, slidingWindow: 4 },
  qwen2: { family: "qwen2", numKeyValueHeads: 2, queryKeyValueBias: true, tieEmbeddings: true },
  "qwen2-window": {
    family: "qwen2",
    numKeyValueHeads: 2,
    queryKeyValueBias: true,
    slidingWindow: 3,
    fullAttentionLayers: [0],
  },
  "qwen2-alternating": {
    family: "qwen2",
    numLayers: 4,
    numKeyValueHeads: 1,
    queryKeyValueBias: true,
    slidingWindow: 3,
    fullAttentionLayers: [1, 3],
  },
};

describe.each(Object.keys(configs))("the folder %s, saved by transformers", (name) => {
  let model: Gpt2 | Decoder;
  let reference: Reference;
  beforeEach(async () => {
    model = await loadModel(fixture(name));
    reference = await readReference(fixture(name));
  });
  afterEach(() => dispose(model));

  test("has its configuration", () => {
    expect(model.config).toEqual({
      ...size,
      numKeyValueHeads: 4,
      headWidth: 8,
      activation: "silu",
      gated: true,
      norm: "rms",
      normEpsilon: 1e-6,
      postNorm: false,
      positions: "rotary",
      ropeTheta: 10_000,
      fullAttentionLayers: [],
      dropout: 0,
      bias: false,
      queryKeyValueBias: false,
      feedForwardBias: false,
      tieEmbeddings: false,
      beginOfText: 1,
      endOfText: 2,
      ...configs[name],
    });
  });

  test("gives the same logits and the same loss", () => {
    const logits = tidy(() => model.forward(reference.ids("tokens")).dataSync());
    expect(greatestDifference(logits, reference.numbers("logits"))).toBeLessThan(2e-5);
    const loss = tidy(() => model.loss(reference.ids("tokens"), reference.ids("targets")).dataSync());
    expect(greatestDifference(loss, reference.numbers("loss"))).toBeLessThan(1e-4);
  });

  test("continues a text the same way, greedily", async () => {
    const prompt = reference.numbers("tokens").slice(0, 5);
    const tokens: number[] = [];
    const options = { maxNewTokens: 64, temperature: 0, stopTokens: [] };
    for await (const token of generate(model, prompt, options)) tokens.push(token);
    expect(tokens).toEqual(Array.from(reference.numbers("greedy")));
  });

  test("saved again holds the same tensors in float32, and a config.json that says the same", () =>
    inTemporaryFolder(async (folder) => {
      await saveModel(model, folder);
      const ours = await readTensors(join(folder, "model.safetensors"));
      const theirs = await readTensors(join(fixture(name), "model.safetensors"));
      expect(new Set(ours.keys())).toEqual(new Set(theirs.keys()));
      for (const [key, { shape, data }] of theirs) expect(ours.get(key)).toEqual({ dtype: "F32", shape, data });
      const config = async (path: string): Promise<Record<string, unknown>> =>
        JSON.parse(await readFile(join(path, "config.json"), "utf8"));
      const { torch_dtype: _, dtype: __, rope_scaling: ___, rope_theta: ____, ...fields } = await config(folder);
      expect({ head_dim: 8, ...(await config(fixture(name))) }).toMatchObject(fields);
      const again = await loadModel(folder);
      expect(again.config).toEqual(model.config);
      dispose(again);
    }));

  test("has the parameters that decoderShapes foretells", () => {
    const shapes = [...parameters(model)].map(([path, { shape }]) => [path, shape]);
    expect([...decoderShapes(model.config)]).toEqual(shapes);
  });
});

test("fields that a config.json leaves out are those of transformers' class", () => {
  const read = ({ readConfig }: DecoderFamily) => readConfig({}, "config.json", new Map());
  // LlamaConfig(), MistralConfig() and Qwen2Config() of transformers 5.23.0
  const shared = { numLayers: 32, numHeads: 32, width: 4096, headWidth: 128, normEpsilon: 1e-6, ropeTheta: 10_000 };
  expect(read(llama)).toMatchObject({
    ...shared,
    vocabSize: 32_000,
    feedForwardWidth: 11_008,
    numKeyValueHeads: 32,
    contextLength: 2048,
  });
  expect(read(mistral)).toMatchObject({
    ...shared,
    vocabSize: 32_000,
    feedForwardWidth: 14_336,
    numKeyValueHeads: 8,
    contextLength: 131_072,
    slidingWindow: 4096,
  });
  expect(read(qwen2)).toMatchObject({
    ...shared,
    vocabSize: 151_936,
    feedForwardWidth: 22_016,
    numKeyValueHeads: 32,
    contextLength: 32_768,
  });
});

test("Qwen2 says in two ways which layers see a window, and others are refused by name", () => {
  const read = (fields: object) => {
    const used = { use_sliding_window: true, sliding_window: 5, num_hidden_layers: 3, num_attention_heads: 8 };
    return qwen2.readConfig({ ...used, num_key_value_heads: 8, hidden_size: 64, ...fields }, "config.json", new Map());
  };
  const [full, sliding] = ["full_attention", "sliding_attention"];
  expect(read({ max_window_layers: 2 })).toMatchObject({ slidingWindow: 5, fullAttentionLayers: [0, 1] });
  expect(read({ max_window_layers: 2, layer_types: [full, sliding, full] })).toMatchObject({
    slidingWindow: 5,
    fullAttentionLayers: [0, 2],
  });
  for (const all of [{}, { layer_types: [full, full, full] }, { layer_types: null, use_sliding_window: false }]) {
    expect(read(all)).not.toHaveProperty("slidingWindow");
  }
  for (const wrong of [[full, sliding], [full, sliding, "chunked_attention"], sliding]) {
    expect(() => read({ layer_types: wrong })).toThrow("layer_types is");
  }
  expect(() => read({ max_window_layers: "2" })).toThrow('max_window_layers is "2", which is not supported');
  expect(() => createDecoder({ ...size, fullAttentionLayers: [2] }, 1)).toThrow("a list of layers, from 0 to 1");
});

test("Llama's gradients are those of transformers", async () => {
  const model = await loadModel(fixture("llama3"));
  const reference = await readReference(fixture("llama3"));
  const own = parameters(model);
  const { value, grads } = tidy(() =>
    variableGrads(() => model.loss(reference.ids("tokens"), reference.ids("targets")), [...own.values()]),
  );
  let compared = 0;
  for (const [path, { name, rank }] of own) {
    const key = `gradient.${llamaName(path)}`;
    if (!reference.has(key)) continue;
    const isLinear = rank === 2 && !/(Embedding|head)/.test(path);
    const gradient = tidy(() => (isLinear ? grads[name].transpose() : grads[name]).dataSync());
    expect(greatestDifference(gradient, reference.numbers(key)), key).toBeLessThan(1e-4);
    compared++;
  }
  expect(compared).toBe(12);
  disposeTensors([value, grads]);
  dispose(model);
});
