import { add, mul, type Rank, sigmoid, sub, type Tensor } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { requireType } from "./validate.ts";

/**
 * silu(x) = x · σ(x), also called swish.
 *
 * Elfwing, Uchibe, Doya 2017, https://arxiv.org/abs/1702.03118.
 *
 * @param x any shape
 * @returns the shape of x
 */
export function silu<R extends Rank>(x: Tensor<R>): Tensor<R> {
  requireType("silu", "x", x, "float32");
  return differentiable(SILU, { x }, {}) as Tensor<R>;
}

const SILU: Operation<{ x: Tensor }, { x: Tensor }, Record<string, never>> = {
  kernel: "TesseraSilu",
  differentiable: ["x"],
  outputs: ["y"],
  saved: ["x"],

  forward({ x }) {
    return [mul(x, sigmoid(x))];
  },

  backward(dy, { x }) {
    return { x: () => mul(dy, siluSlope(x)) };
  },
};

/** σ(x) · (1 + x · (1 − σ(x))). */
export function siluSlope(x: Tensor): Tensor {
  const s = sigmoid(x);
  return mul(s, add(mul(x, sub(1, s)), 1));
}
