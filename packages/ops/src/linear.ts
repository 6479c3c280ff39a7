import { add, matMul, type Rank, reshape, type Tensor, type Tensor1D, type Tensor2D } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { columnSums, rows, timesTransposed, transposedTimes } from "./rows.ts";
import { requireFloat } from "./validate.ts";

/**
 * linear(x) = x · weight + bias over the last axis.
 *
 * @param x (…, I)
 * @param weight (I, O): GPT-2's layout, the transpose of a PyTorch Linear's
 * @param bias (O), absent in bias-free models
 * @returns (…, O)
 * @throws ShapeError if the shapes do not fit together
 */
export function linear<R extends Rank>(x: Tensor<R>, weight: Tensor2D, bias?: Tensor1D): Tensor<R> {
  requireFloat("linear", "weight", weight, "I", "O");
  const [inputSize, outputSize] = weight.shape;
  requireFloat("linear", "x", x, "…", inputSize);
  if (bias) requireFloat("linear", "bias", bias, outputSize);
  return differentiable(LINEAR, { x, weight, bias }, {}) as Tensor<R>;
}

type Inputs = { x: Tensor; weight: Tensor2D; bias?: Tensor1D };
type Saved = { x: Tensor; weight: Tensor2D };

const LINEAR: Operation<Inputs, Saved, Record<string, never>> = {
  kernel: "TesseraLinear",
  differentiable: ["x", "weight", "bias"],
  outputs: ["y"],
  saved: ["x", "weight"],

  forward({ x, weight, bias }) {
    const product = matMul(rows(x), weight); // (N, I) · (I, O)
    return [reshape(bias ? add(product, bias) : product, [...x.shape.slice(0, -1), weight.shape[1]])];
  },

  backward(dy, { x, weight }) {
    const g = rows(dy); // (N, O)
    return {
      x: () => reshape(timesTransposed(g, weight), x.shape), // (N, O) · (O, I)
      weight: () => transposedTimes(rows(x), g), // (I, N) · (N, O)
      bias: () => columnSums(g),
    };
  },
};
