import { mul, type Rank, type Tensor, tensor } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { OptionError } from "./errors.ts";
import { hash32 } from "./random-bits.ts";
import { requireType } from "./validate.ts";

/** Which elements are dropped. */
export interface Dropout {
  /** The share of elements that become 0, in [0, 1). */
  readonly rate: number;
  /** An integer (its low 32 bits count). The same seed drops the same elements; derive one per step and site with `foldIn`. */
  readonly seed: number;
}

/**
 * dropout(x) = x · mask / (1 − rate), where each element of the mask is 0 with probability `rate` and else 1.
 *
 * Srivastava et al. 2014. The mask is a pure function of the seed and the element's index in row-major order, see
 * `dropoutMask`; nothing is stored for the backward pass, which makes it again.
 *
 * @param x any shape
 * @returns the shape of x; x itself if the rate is 0
 * @throws OptionError if the rate is not in [0, 1)
 */
export function dropout<R extends Rank>(x: Tensor<R>, { rate, seed }: Dropout): Tensor<R> {
  requireType("dropout", "x", x, "float32");
  requireRate("dropout", rate);
  return rate === 0 ? x : (differentiable(DROPOUT, { x }, { rate, seed }) as Tensor<R>);
}

const DROPOUT: Operation<{ x: Tensor }, Record<string, never>, { rate: number; seed: number }> = {
  kernel: "TesseraDropout",
  differentiable: ["x"],
  outputs: ["y"],
  saved: [],

  forward({ x }, { rate, seed }) {
    return [mul(x, dropoutMask(x.shape, { rate, seed }))];
  },

  backward(dy, _saved, { rate, seed }) {
    return { x: () => mul(dy, dropoutMask(dy.shape, { rate, seed })) };
  },
};

/**
 * mask[i] = 0 where hash32(hash32(i) xor seed) < ⌊rate · 2³²⌋ (unsigned), else the float32 nearest to 1 / (1 − rate);
 * i counts elements in row-major order. Kernels that make the mask themselves make exactly this one.
 */
export function dropoutMask(shape: number[], { rate, seed }: Dropout): Tensor {
  const mask = new Float32Array(shape.reduce((product, size) => product * size, 1));
  const threshold = Math.floor(rate * 2 ** 32);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < mask.length; i++) if (hash32(hash32(i) ^ seed) >= threshold) mask[i] = kept;
  return tensor(mask, shape);
}

/** Throws an {@link OptionError} unless the rate is a number in [0, 1). */
export function requireRate(operation: string, rate: number): void {
  if (!(rate >= 0 && rate < 1))
    throw new OptionError(operation, `dropout rate must be at least 0 and below 1, but is ${rate}`);
}
