import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { dispose as disposeTensors, memory, tensor2d, tidy, variableGrads } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import { valueAndGradients } from "@tessera-lm/ops";
import { describe, expect, test } from "vitest";
import { ConfigError, SequenceTooLongError, TensorMismatchError, UnsupportedModelError } from "../errors.ts";
import { loadModel } from "../storage/load-model.ts";
import { saveModel } from "../storage/save-model.ts";
import { inTemporaryFolder } from "../testing/reference.ts";
import { createDecoder } from "./decoder.ts";
import { type DecoderConfig, resolveDecoderConfig } from "./decoder-config.ts";
import { decoderShapes } from "./decoder-shapes.ts";

const tiny: DecoderConfig = { vocabSize: 11, contextLength: 8, numLayers: 2, numHeads: 4, width: 16 };
const knobs: [string, Partial<DecoderConfig>][] = [
  ["Llama's", {}],
  ["grouped heads, tied", { numKeyValueHeads: 2, headWidth: 6, tieEmbeddings: true }],
  [
    "learned positions, layer norms",
    { positions: "learned", norm: "layer", bias: true, gated: false, activation: "gelu" },
  ],
  ["sinusoidal positions, norms last", { positions: "sinusoidal", postNorm: true, activation: "relu", gated: false }],
  ["ALiBi", { positions: "alibi", numHeads: 3, headWidth: 4, activation: "gelu-tanh" }],
  ["a window in the last layer", { slidingWindow: 2, fullAttentionLayers: [0], queryKeyValueBias: true }],
];

describe.each(knobs)("a decoder with %s", (_, knob) => {
  const config = { ...tiny, ...knob };
  const tokens = [[1, 2, 3, 4, 5, 6]];

  test("has the parameters that decoderShapes foretells, learns all of them, and sees only what came before", () => {
    const model = createDecoder({ ...config, dropout: 0.1 }, 1);
    const own = parameters(model);
    expect([...decoderShapes(config)]).toEqual([...own].map(([path, { shape }]) => [path, shape]));
    const before = memory().numTensors;
    const [ids, changed] = [tokens, [[1, 2, 3, 4, 5, 9]]].map((rows) => tensor2d(rows, [1, 6], "int32"));
    const [a, b] = [ids, changed].map((input) => tidy(() => model.forward(input).arraySync()));
    expect(a[0].slice(0, 5)).toEqual(b[0].slice(0, 5));
    expect(a[0][5]).not.toEqual(b[0][5]);
    const plain = variableGrads(() => model.loss(ids, changed, { seed: 1 }), [...own.values()]);
    const maxima = [...own.values()].map(({ name }) => tidy(() => plain.grads[name].abs().max()));
    for (const [i, path] of [...own.keys()].entries()) expect(maxima[i].dataSync()[0], path).toBeGreaterThan(0);
    const again = valueAndGradients(
      () => model.loss(ids, changed, { seed: 1, checkpointing: true }),
      [...own.values()],
    );
    expect(again.gradients.map((gradient) => gradient?.dataSync())).toEqual(
      [...own.values()].map(({ name }) => plain.grads[name].dataSync()),
    );
    disposeTensors([plain.value, plain.grads, again.value, again.gradients, ids, changed] as never);
    disposeTensors(maxima);
    expect(memory().numTensors).toBe(before);
    dispose(model);
  });

  test("comes back from a folder as it was", () =>
    inTemporaryFolder(async (folder) => {
      const model = createDecoder(config, 2);
      await saveModel(model, folder);
      const loaded = await loadModel(folder);
      const { family: _, ...rest } = loaded.config as never as Record<string, unknown>;
      expect(rest).toEqual(model.config);
      const values = (of: object): unknown => [...parameters(of)].map(([path, value]) => [path, value.dataSync()]);
      expect(values(loaded)).toEqual(values(model));
      dispose([model, loaded]);
    }));
});

test("ALiBi and sinusoidal positions tell the order of tokens", () => {
  for (const positions of ["alibi", "sinusoidal"] as const) {
    const model = createDecoder({ ...tiny, numLayers: 1, positions }, 1);
    for (const parameter of parameters(model).values()) {
      if (parameter.rank === 2) tidy(() => parameter.assign(parameter.mul(20)));
    }
    const last = (ids: number[]): unknown =>
      tidy(() => model.forward(tensor2d([ids], [1, 3], "int32"), { lastOnly: true }).arraySync());
    expect(last([1, 2, 3])).not.toEqual(last([2, 1, 3]));
    dispose(model);
  }
});

test("a sequence longer than the context is refused", () => {
  const model = createDecoder(tiny, 1);
  const long = tensor2d(new Int32Array(9), [1, 9], "int32");
  expect(() => model.forward(long)).toThrow(SequenceTooLongError);
  long.dispose();
  dispose(model);
});

test.each<[Partial<Record<keyof DecoderConfig, unknown>>, RegExp]>([
  [{ numHeads: 3 }, /width is 16; it must be a multiple of numHeads, which is 3/],
  [{ numKeyValueHeads: 3 }, /numKeyValueHeads is 3; it must be a divisor of numHeads, which is 4/],
  [{ width: Number.NaN }, /width is NaN/],
  [{ headWidth: 3 }, /headWidth is 3; it must be even/],
  [{ activation: "tanh" }, /activation is "tanh"; it must be "gelu-tanh" or/],
  [{ positions: "none" }, /positions is "none"/],
  [{ slidingWindow: 0 }, /slidingWindow is 0/],
  [{ ropeScaling: { type: "dynamic", factor: 2 } }, /ropeScaling.type is "dynamic"/],
  [{ ropeScaling: { type: "linear", factor: -1 } }, /ropeScaling.factor is -1/],
  [{ ropeScaling: { type: "factors", factors: [1] } }, /ropeScaling.factors is \[1\]; it must be 2 positive numbers/],
  [{ ropeScaling: { type: "factors", factors: [1, 0] } }, /ropeScaling.factors is \[1,0\]/],
  [{ ropeScaling: { type: "linear", factor: 2 }, positions: "alibi" }, /ropeScaling .* left out without rotary/],
  [{ tieEmbeddings: "yes" }, /tieEmbeddings is "yes"; it must be true or false/],
  [{ endOfText: [1, 11] }, /endOfText is 11/],
])("%j is refused by name", (change, message) => {
  const make = (): unknown => resolveDecoderConfig({ ...tiny, ...change } as DecoderConfig);
  expect(make).toThrow(ConfigError);
  expect(make).toThrow(message);
});

describe("a Llama's folder", () => {
  const withConfig = (changes: Record<string, unknown>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      inTemporaryFolder(async (folder) => {
        const model = createDecoder(tiny, 1);
        await saveModel(model, folder);
        dispose(model);
        const path = join(folder, "config.json");
        await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, "utf8")), ...changes }));
        resolve(await loadModel(folder).catch((error: unknown) => error));
      }).catch(reject);
    });

  test.each<[Record<string, unknown>, new (...args: never[]) => Error, RegExp]>([
    [{ model_type: "mamba" }, UnsupportedModelError, /"gpt2" or "llama" or "mistral" or "qwen2" .*"bert".*"t5"/],
    [{ hidden_act: "gelu" }, UnsupportedModelError, /hidden_act is "gelu"/],
    [{ attention_bias: true }, TensorMismatchError, /missing: model.layers.0.self_attn.q_proj.bias/],
    [{ attention_bias: 1 }, ConfigError, /bias is 1; it must be true or false/],
    [{ mlp_bias: true }, TensorMismatchError, /missing: model.layers.0.mlp.gate_proj.bias/],
    [{ rope_scaling: { rope_type: "dynamic", factor: 2 } }, UnsupportedModelError, /rope_type is "dynamic".*"llama3"/],
    [{ rope_scaling: 3 }, ConfigError, /rope_scaling is 3; it must be an object/],
    [{ num_attention_heads: 5 }, ConfigError, /numHeads|numKeyValueHeads/],
    [{ hidden_size: null }, ConfigError, /width is null/],
    [{ hidden_size: 32 }, TensorMismatchError, /model.embed_tokens.weight is \[11,16\], expected \[11,32\]/],
    [{ num_hidden_layers: 3 }, TensorMismatchError, /missing: model.layers.2.input_layernorm.weight \[16\]/],
    [{ num_hidden_layers: 1 }, TensorMismatchError, /unknown: model.layers.1.input_layernorm.weight/],
    [{ num_hidden_layers: 2 ** 50 }, TensorMismatchError, /tensors for/],
    [{ attention_bias: true, mlp_bias: true }, TensorMismatchError, /missing: model.layers.0.self_attn.q_proj.bias/],
  ])("with %j is refused", async (changes, type, message) => {
    const error = await withConfig(changes);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toMatch(message);
  });
});
