import { grads, memory, ones, type Tensor, type Tensor3D, tidy } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { attention, selfAttention } from "./index.ts";
import { backends, use } from "./test-support.ts";

const T = 128;
const WIDTH = 4; // two heads of two numbers
const options = { numHeads: 2, causal: true, dropout: { rate: 0.1, seed: 1 } };

const operations: [name: string, run: (...inputs: Tensor[]) => Tensor, inputs: () => Tensor[]][] = [
  [
    "attention",
    (q, k, v) => attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, options),
    () => [1, 2, 3].map(() => ones([1, T, WIDTH])),
  ],
  ["selfAttention", (qkv) => selfAttention(qkv as Tensor3D, options), () => [ones([1, T, 3 * WIDTH])]],
];

describe.each(backends)("between the passes on %s", (backend) => {
  beforeAll(() => use(backend));

  it.each(operations)("%s keeps nothing of the size of the probabilities", (_, run, inputs) => {
    let kept = 0;
    tidy(() =>
      grads((...tensors) => {
        const before = memory().numBytes;
        const y = run(...tensors);
        kept = memory().numBytes - before;
        return y;
      })(inputs()),
    );
    expect(kept).toBeGreaterThan(T * WIDTH * 4); // the value and the saved tensors
    expect(kept).toBeLessThan(T * T * 4); // the probabilities of one head
  });
});
