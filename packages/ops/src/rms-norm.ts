import { add, mean, mul, type Rank, reshape, rsqrt, square, sub, type Tensor, type Tensor1D } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { columnSums, rows } from "./rows.ts";
import { requireFloat } from "./validate.ts";

/**
 * rmsNorm(x) = x / √(mean(x²) + ε) · scale over the last axis.
 *
 * Zhang, Sennrich 2019, https://arxiv.org/abs/1910.07467; `torch.nn.functional.rms_norm`.
 *
 * @param x (…, C)
 * @param scale (C)
 * @param epsilon ε, default 1e-5
 * @returns (…, C)
 * @throws ShapeError if scale is not as wide as x
 */
export function rmsNorm<R extends Rank>(x: Tensor<R>, scale: Tensor1D, epsilon = 1e-5): Tensor<R> {
  requireFloat("rmsNorm", "x", x, "…", "C");
  requireFloat("rmsNorm", "scale", scale, x.shape[x.rank - 1] as number);
  return differentiable(RMS_NORM, { x, scale }, { epsilon }) as Tensor<R>;
}

type Inputs = { x: Tensor; scale: Tensor1D };
/** rstd (N, 1): the reciprocal root mean square of the N rows of x. */
type Saved = { x: Tensor; scale: Tensor1D; rstd: Tensor };

const RMS_NORM: Operation<Inputs, Saved, { epsilon: number }> = {
  kernel: "TesseraRmsNorm",
  differentiable: ["x", "scale"],
  outputs: ["y", "rstd"],
  saved: ["x", "scale", "rstd"],

  forward({ x, scale }, { epsilon }) {
    const x2 = rows(x); // (N, C)
    const rstd = rsqrt(add(mean(square(x2), 1, true), epsilon)); // (N, 1)
    return [reshape(mul(mul(x2, rstd), scale), x.shape), rstd];
  },

  backward(dy, { x, scale, rstd }) {
    const g = rows(dy); // (N, C)
    const normed = mul(rows(x), rstd); // (N, C)
    return {
      x: () => {
        const h = mul(g, scale);
        const along = mul(normed, mean(mul(h, normed), 1, true));
        return reshape(mul(sub(h, along), rstd), x.shape);
      },
      scale: () => columnSums(mul(g, normed)),
    };
  },
};
