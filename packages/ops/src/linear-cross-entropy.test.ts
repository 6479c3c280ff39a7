import {
  grads,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
} from "@tensorflow/tfjs";
import { beforeAll, expect, it } from "vitest";
import { crossEntropy, linear, linearCrossEntropy } from "./index.ts";
import { expectClose, use } from "./test-support.ts";

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
