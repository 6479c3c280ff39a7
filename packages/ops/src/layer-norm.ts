import { add, mean, mul, type Rank, reshape, rsqrt, square, sub, type Tensor, type Tensor1D } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { columnSums, rows } from "./rows.ts";
import { requireFloat } from "./validate.ts";

/**
 * layerNorm(x) = (x − mean) / √(variance + ε) · scale + shift over the last axis, with the biased variance.
 *
 * Ba, Kiros, Hinton 2016, https://arxiv.org/abs/1607.06450; `torch.nn.functional.layer_norm`.
 *
 * @param x (…, C)
 * @param scale (C)
 * @param shift (C), absent in bias-free models
 * @param epsilon ε, default 1e-5
 * @returns (…, C)
 * @throws ShapeError if scale or shift is not as wide as x
 */
export function layerNorm<R extends Rank>(x: Tensor<R>, scale: Tensor1D, shift?: Tensor1D, epsilon = 1e-5): Tensor<R> {
  requireFloat("layerNorm", "x", x, "…", "C");
  const width = x.shape[x.rank - 1] as number;
  requireFloat("layerNorm", "scale", scale, width);
  if (shift) requireFloat("layerNorm", "shift", shift, width);
  return differentiable(LAYER_NORM, { x, scale, shift }, { epsilon }) as Tensor<R>;
}

type Inputs = { x: Tensor; scale: Tensor1D; shift?: Tensor1D };
/** mean (N, 1) and reciprocal standard deviation (N, 1) of the N rows of x. */
type Saved = { x: Tensor; scale: Tensor1D; mean: Tensor; rstd: Tensor };

const LAYER_NORM: Operation<Inputs, Saved, { epsilon: number }> = {
  kernel: "TesseraLayerNorm",
  differentiable: ["x", "scale", "shift"],
  outputs: ["y", "mean", "rstd"],
  saved: ["x", "scale", "mean", "rstd"],

  forward({ x, scale, shift }, { epsilon }) {
    const x2 = rows(x); // (N, C)
    const mu = mean(x2, 1, true); // (N, 1)
    const centred = sub(x2, mu);
    const rstd = rsqrt(add(mean(square(centred), 1, true), epsilon)); // (N, 1)
    const scaled = mul(mul(centred, rstd), scale);
    return [reshape(shift ? add(scaled, shift) : scaled, x.shape), mu, rstd];
  },

  backward(dy, { x, scale, mean: mu, rstd }) {
    const g = rows(dy); // (N, C)
    const normed = mul(sub(rows(x), mu), rstd); // (N, C)
    return {
      x: () => {
        const h = mul(g, scale);
        const along = mul(normed, mean(mul(h, normed), 1, true));
        return reshape(mul(sub(sub(h, mean(h, 1, true)), along), rstd), x.shape);
      },
      scale: () => columnSums(mul(g, normed)),
      shift: () => columnSums(g),
    };
  },
};
