import {
  grads,
  ones,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
  zeros,
} from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { crossEntropy, linear, linearCrossEntropy } from "./index.ts";
import { backends, expectClose, type Usage, usageOf, use } from "./test-support.ts";

beforeAll(() => use("wasm"));

const NUM_ROWS = 2500; // two full chunks and a part
const wave = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i * 0.7));

it("computes the same loss and gradients in chunks as all logits at once", () => {
  const hidden = tensor2d(wave(NUM_ROWS * 6), [NUM_ROWS, 6]);
  const weight = tensor2d(wave(11 * 6), [11, 6]);
  const targets = tensor1d(
    Int32Array.from({ length: NUM_ROWS }, (_, i) => (i % 12) - 1),
    "int32",
  );
  const results = (f: (h: Tensor2D, w: Tensor2D, t: Tensor1D) => Tensor) => {
    const run = (...[h, w]: Tensor[]) => f(h as Tensor2D, w as Tensor2D, targets);
    return tidy(() =>
      [run(hidden, weight), ...grads(run)([hidden, weight])].map((tensor) => tensor.dataSync().slice()),
    );
  };
  const chunked = results(linearCrossEntropy);
  const whole = results((h, w, t) => sum(crossEntropy(linear(h, transpose(w)) as Tensor2D, t)));
  for (const [i, expected] of whole.entries()) expectClose(chunked[i] ?? [], expected, 2e-5);
  expect(chunked).toHaveLength(3);
});

describe.each(backends)("no rows at all on %s", (backend) => {
  beforeAll(() => use(backend));

  it("have the loss 0 and gradients of zeros", () => {
    const targets = tensor1d([], "int32");
    const run = (...[h, w]: Tensor[]) => linearCrossEntropy(h as Tensor2D, w as Tensor2D, targets);
    tidy(() => {
      expect(run(zeros([0, 3]), ones([4, 3])).dataSync()[0]).toBe(0);
      const [hidden, weight] = grads(run)([zeros([0, 3]), ones([4, 3])]) as [Tensor, Tensor];
      expect(hidden.shape).toEqual([0, 3]);
      expect(weight.shape).toEqual([4, 3]);
      expect(new Set(weight.dataSync())).toEqual(new Set([0]));
    });
  });
});

describe("the memory of the logits", () => {
  beforeAll(() => use("wasm"));

  const WIDTH = 2;

  /** What value and gradients need for that many rows and classes. */
  function usage(numRows: number, vocabSize: number): Usage {
    return tidy(() => {
      const [hidden, weight] = [ones([numRows, WIDTH]), ones([vocabSize, WIDTH])];
      const targets = tensor1d(new Int32Array(numRows), "int32");
      const run = (...[h, w]: Tensor[]) => linearCrossEntropy(h as Tensor2D, w as Tensor2D, targets);
      return usageOf(() => tidy(() => grads(run)([hidden, weight])));
    });
  }

  it("is that of 1024 rows for a small vocabulary", () => {
    expect(usage(3000, 64).largestOutput).toBe(1024 * 64);
  });

  it("is that of 8 Mi logits for a large one", () => {
    const { largestOutput } = usage(180, 50_000); // 9 million logits
    expect(largestOutput).toBeLessThanOrEqual(2 ** 23);
    expect(largestOutput).toBeGreaterThan(2 ** 22);
  });

  it("is that of one chunk, however many there are", () => {
    const bytesPerRow = (usage(8192, 64).bytes - usage(2048, 64).bytes) / 6144;
    expect(bytesPerRow).toBeLessThan(8 * WIDTH * 4); // and not the 64 logits of the row
  });
});
