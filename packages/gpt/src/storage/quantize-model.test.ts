import { fill, memory, tensor, tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, type Parameter, parameters } from "@tessera-lm/layers";
import { dequantize, QuantizationError, quantize } from "@tessera-lm/weights";
import { describe, expect, test } from "vitest";
import { createDecoder } from "../decoder/decoder.ts";
import { createGpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createEncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { QuantizedModelError } from "../errors.ts";
import { greatestDifference } from "../testing/reference.ts";
import { type QuantizedType, quantizeModel } from "./quantize-model.ts";

const size = { vocabSize: 50, contextLength: 16, numLayers: 2, numHeads: 2, width: 64 };
const tokens = tensor2d([3, 7, 49, 0, 12, 12], [1, 6], "int32");
const targets = tensor2d([7, 49, 0, 12, 12, -1], [1, 6], "int32");

const types: QuantizedType[] = ["F16", "BF16", "Q8_0", "Q4_0"];
const makers = {
  "GPT-2": () => createGpt2(size, 1),
  Llama: () => createDecoder({ ...size, numKeyValueHeads: 1, feedForwardWidth: 96 }, 1),
  "tied Qwen2": () => createDecoder({ ...size, feedForwardWidth: 96, queryKeyValueBias: true, tieEmbeddings: true }, 1),
};

/** The model with every matrix rounded as quantising rounds it, in float32. */
function rounded<M extends object>(model: M, type: QuantizedType): M {
  for (const [path, parameter] of parameters(model)) {
    if (parameter.rank !== 2 || path.startsWith("position")) continue;
    const isTable = /Embedding|head/.test(path);
    tidy(() => {
      const rows = isTable ? parameter : parameter.transpose();
      const values = dequantize(quantize(rows.dataSync<"float32">(), type), type);
      const back = tensor2d(values, rows.shape as [number, number]);
      parameter.assign(isTable ? back : back.transpose());
    });
  }
  return model;
}

describe.each(Object.keys(makers) as (keyof typeof makers)[])("%s", (name) => {
  test.each(types)("in %s computes what its rounded weights compute", async (type) => {
    const before = memory().numTensors;
    const model = makers[name]();
    const expected = rounded(makers[name](), type);
    const report = await quantizeModel(model, type);
    const logits = (of: typeof model): Float32Array => tidy(() => of.forward(tokens).dataSync<"float32">());
    expect(greatestDifference(logits(model), logits(expected))).toBeLessThan(1e-5);
    const loss = (of: typeof model): number => tidy(() => of.loss(tokens, targets).dataSync()[0]);
    expect(loss(model)).toBeCloseTo(loss(expected), 4);
    expect([...parameters(model)].filter(([path, { rank }]) => rank === 2 && !path.startsWith("position"))).toEqual([]);
    expect(report.matrices.every((matrix) => matrix.type === type)).toBe(true);
    const bits = { F16: 16, BF16: 16, Q8_0: 8.5, Q4_0: 4.5 };
    expect(report.bytesAfter / report.bytesBefore).toBeCloseTo(bits[type as keyof typeof bits] / 32, 12);
    dispose([model, expected]);
    expect(memory().numTensors).toBe(before);
  });
});

test("the report has the error of each matrix and of all, and the perplexity before and after", async () => {
  const model = createGpt2(size, 1);
  const measured: number[] = [];
  const perplexity = (): number => {
    measured.push(tidy(() => Math.exp(model.loss(tokens, targets).dataSync()[0] / 5)));
    return measured[measured.length - 1];
  };
  const report = await quantizeModel(model, "Q4_0", { perplexity });
  expect([report.perplexityBefore, report.perplexityAfter]).toEqual(measured);
  expect(measured[0]).not.toBe(measured[1]);
  expect(Math.abs(measured[1] / measured[0] - 1)).toBeLessThan(0.02);
  expect(report.matrices.map(({ path }) => path).slice(0, 3)).toEqual([
    "tokenEmbedding",
    "blocks.0.attention.qkv",
    "blocks.0.attention.output",
  ]);
  expect(report.matrices).toHaveLength(9);
  const errors = report.matrices.map(({ relativeRmse }) => relativeRmse);
  for (const error of [...errors, report.relativeRmse]) expect(error).toBeCloseTo(0.086, 2); // 8.6 % of normal weights
  expect(report.relativeRmse).toBeGreaterThan(Math.min(...errors));
  expect(report.relativeRmse).toBeLessThan(Math.max(...errors));
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  dispose(model);
});

test("the report of all matrices counts those that are exact", async () => {
  const model = createGpt2(size, 1);
  const weight = parameters(model).get("blocks.0.attention.qkv.weight") as Parameter;
  tidy(() => weight.assign(fill(weight.shape, 0.125)));
  const values = new Map([...parameters(model)].map(([path, each]) => [path, each.dataSync<"float32">().slice()]));
  const { matrices, relativeRmse } = await quantizeModel(model, "F16");
  let [squares, energy] = [0, 0];
  for (const { path } of matrices) {
    const before = values.get(`${path}.weight`) as Float32Array;
    const after = dequantize(quantize(before, "F16"), "F16");
    squares += before.reduce((sum, value, i) => sum + (value - after[i]) ** 2, 0);
    energy += before.reduce((sum, value) => sum + value ** 2, 0);
  }
  expect(matrices.filter(({ rmse }) => rmse === 0)).toHaveLength(1);
  expect(relativeRmse / Math.sqrt(squares / energy)).toBeCloseTo(1, 9);
  dispose(model);
});

test("a number beyond F16 is refused by the name of its matrix; the model can still be used", async () => {
  const model = createDecoder({ ...size, feedForwardWidth: 72 }, 1);
  const weight = parameters(model).get("blocks.1.feedForward.down.weight") as Parameter;
  const large = weight.dataSync<"float32">().slice().fill(1e5, 7, 8);
  tidy(() => weight.assign(tensor(large, weight.shape)));
  for (const type of ["F16", "Q8_0"] as const) {
    const error: unknown = await quantizeModel(model, type).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(QuantizationError);
    expect((error as Error).message).toMatch(/^F16: blocks\.1\.feedForward\.down, .* is 100000, beyond/);
  }
  expect(tidy(() => model.forward(tokens)).shape).toEqual([1, 6, 50]);
  dispose(model);
});

test("rows that are no whole blocks become F16", async () => {
  const model = createDecoder({ ...size, width: 64, feedForwardWidth: 72 }, 1);
  const { matrices } = await quantizeModel(model, "Q8_0");
  const odd = matrices.filter(({ type }) => type === "F16").map(({ path }) => path);
  expect(odd).toEqual(["blocks.0.feedForward.down", "blocks.1.feedForward.down"]);
  expect(matrices.find(({ path }) => path === odd[0])?.bytesAfter).toBe(2 * 64 * 72);
  expect(tidy(() => model.forward(tokens)).shape).toEqual([1, 6, 50]);
  dispose(model);
});

test("encoders and encoder-decoders can be quantised, and measured", async () => {
  const encoder = createEncoder({ ...size, maskedHead: true }, 1);
  const seq2seq = createEncoderDecoder(size, 1);
  const losses = (): number[] => [
    tidy(() => encoder.loss(tokens, targets).dataSync()[0]),
    tidy(() => seq2seq.loss(tokens, targets).dataSync()[0]),
  ];
  const before = losses();
  await quantizeModel(encoder, "Q8_0");
  await quantizeModel(seq2seq, "Q8_0");
  losses().forEach((loss, i) => expect(Math.abs(loss / before[i] - 1)).toBeLessThan(1e-3));
  dispose([encoder, seq2seq]);
});

test("what is quantised already, or no model, is refused", async () => {
  const model = createGpt2(size, 1);
  await quantizeModel(model, "Q8_0");
  await expect(quantizeModel(model, "Q4_0")).rejects.toThrow(QuantizedModelError);
  await expect(quantizeModel({}, "Q4_0")).rejects.toThrow(QuantizedModelError);
  dispose(model);
});
