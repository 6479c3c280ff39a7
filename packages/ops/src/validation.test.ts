import {
  ones,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor1d,
  zeros,
} from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  attention,
  crossEntropy,
  embedding,
  type GeluApproximation,
  gelu,
  layerNorm,
  linear,
  linearCrossEntropy,
  OptionError,
  rmsNorm,
  rope,
  ShapeError,
  selfAttention,
  swiglu,
  TokenIdError,
} from "./index.ts";
import { backends, use } from "./test-support.ts";

beforeAll(() => use("cpu"));

const matrix = (...shape: [number, number]): Tensor2D => ones(shape);
const block = (...shape: [number, number, number]): Tensor3D => ones(shape);
const vector = (size: number): Tensor1D => ones([size]);
const ids = (...values: number[]): Tensor1D => tensor1d(values, "int32");

const mistakes: [message: string, call: () => Tensor][] = [
  ["linear: x must have shape (…, 3), but has shape (2, 4)", () => linear(matrix(2, 4), matrix(3, 5))],
  ["linear: bias must have shape (5), but has shape (4)", () => linear(matrix(2, 3), matrix(3, 5), vector(4))],
  [
    "linear: weight must have shape (I, O), but has shape (3)",
    () => linear(matrix(2, 3), vector(3) as Tensor as Tensor2D),
  ],
  ["embedding: ids must be int32", () => embedding(vector(2), matrix(3, 4))],
  ["embedding: table must have shape (V, C)", () => embedding(ids(1), vector(3) as Tensor as Tensor2D)],
  ["layerNorm: scale must have shape (3), but has shape (2)", () => layerNorm(matrix(2, 3), vector(2))],
  ["layerNorm: shift must have shape (3), but has shape (2)", () => layerNorm(matrix(2, 3), vector(3), vector(2))],
  ["rmsNorm: x must be float32", () => rmsNorm(zeros([2, 3], "int32"), vector(3))],
  ["swiglu: up must have shape (2, 3), but has shape (3, 2)", () => swiglu(matrix(2, 3), matrix(3, 2))],
  [
    "attention: value must have shape (1, 5, 4)",
    () => attention(block(1, 3, 4), block(1, 5, 4), block(1, 4, 4), { numHeads: 2 }),
  ],
  [
    "attention: key must have shape (1, S, 2)",
    () => attention(block(1, 3, 4), block(1, 5, 4), block(1, 5, 4), { numHeads: 2, numGroups: 1 }),
  ],
  [
    "attention: 3 causal queries need as many keys, but there are 2",
    () => attention(block(1, 3, 4), block(1, 2, 4), block(1, 2, 4), { numHeads: 2, causal: true }),
  ],
  ["selfAttention: the last axis of qkv must hold 6 heads", () => selfAttention(block(1, 3, 10), { numHeads: 2 })],
  ["rope: the last axis of x must hold 2 heads of one even size", () => rope(block(1, 3, 6), { numHeads: 2 })],
  ["crossEntropy: targets must have shape (2), but has shape (3)", () => crossEntropy(matrix(2, 4), ids(1, 2, 3))],
  [
    "linearCrossEntropy: weight must have shape (V, 4), but has shape (7, 3)",
    () => linearCrossEntropy(matrix(2, 4), matrix(7, 3), ids(1, 2)),
  ],
];

describe("a mistake in shapes or dtypes is named", () => {
  it.each(mistakes)("%s", (message, call) => {
    expect(call).toThrow(ShapeError);
    expect(call).toThrow(message);
  });
});

describe("an option out of range is named", () => {
  it("heads that do not divide into groups", () => {
    const call = () => selfAttention(block(1, 2, 14), { numHeads: 3, numGroups: 2 });
    expect(call).toThrow(OptionError);
    expect(call).toThrow("numHeads must be a positive multiple of numGroups, but they are 3 and 2");
  });

  it("an unknown approximation", () => {
    expect(() => gelu(vector(2), "erf" as GeluApproximation)).toThrow(
      'approximation must be "none" or "tanh", but is "erf"',
    );
  });

  it("a window of attention", () => {
    const call = (causal: boolean, window: number) => selfAttention(block(1, 2, 6), { numHeads: 1, causal, window });
    expect(() => call(true, 0)).toThrow("selfAttention: window must be a positive number of keys, but is 0");
    expect(() => call(true, 1.5)).toThrow(OptionError);
    expect(() => call(false, 1)).toThrow("selfAttention: a window needs causal attention");
  });

  it("a base or a start of positions", () => {
    expect(() => rope(block(1, 2, 4), { numHeads: 1, base: 0 })).toThrow("rope: base must be positive, but is 0");
    expect(() => rope(block(1, 2, 4), { numHeads: 1, start: -1 })).toThrow(OptionError);
  });

  it("a scale and a bias of attention", () => {
    const x = block(1, 3, 4);
    expect(() => attention(x, x, x, { numHeads: 2, scale: Number.NaN })).toThrow(
      "attention: scale must be a finite number",
    );
    const bias = zeros([1, 2, 3, 1]) as Tensor4D;
    expect(() => attention(x, x, x, { numHeads: 2, bias })).toThrow("attention: bias must have shape (1, 2, 3, 3)");
  });

  it("a dropout rate of attention", () => {
    expect(() => selfAttention(block(1, 2, 6), { numHeads: 1, dropout: { rate: 1, seed: 0 } })).toThrow(OptionError);
  });
});

describe.each(backends)("an id out of range is named on %s", (backend) => {
  beforeAll(() => use(backend));

  it("in the lookup", () => {
    expect(() => embedding(ids(0, 3), matrix(3, 2))).toThrow(TokenIdError);
    expect(() => embedding(ids(0, -1), matrix(3, 2))).toThrow(
      "embedding: id -1 at index 1 is out of range, expected 0 to 2",
    );
  });

  it("in the targets", () => {
    expect(() => crossEntropy(matrix(2, 4), ids(4, 0))).toThrow("id 4 at index 0 is out of range, expected -1 to 3");
    expect(() => linearCrossEntropy(matrix(2, 4), matrix(5, 4), ids(0, -2))).toThrow(TokenIdError);
  });
});
