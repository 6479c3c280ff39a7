import { matMul, ones, reshape, type Tensor, type Tensor1D, type Tensor2D, transpose } from "@tensorflow/tfjs";

/** A tensor (…, C) seen as a matrix (N, C) of its rows. */
export function rows(x: Tensor): Tensor2D {
  return reshape(x, [-1, x.shape[x.rank - 1] ?? 1]);
}

// Products with a transposed operand copy it first: the WebAssembly backend multiplies five times faster without
// transpose flags, and on the others the copy is small beside the product.

/** a · bᵀ: (M, K), (N, K) → (M, N). */
export function timesTransposed(a: Tensor2D, b: Tensor2D): Tensor2D {
  return matMul(a, transpose(b));
}

/** aᵀ · b: (K, M), (K, N) → (M, N). */
export function transposedTimes(a: Tensor2D, b: Tensor2D): Tensor2D {
  return matMul(transpose(a), b);
}

/**
 * Σ of the rows: (N, C) → (C). As a product with ones, which the WebAssembly backend computes several times faster
 * than a sum over the first axis, above all after another product that has packed x already.
 */
export function columnSums(x: Tensor2D): Tensor1D {
  return reshape(matMul(ones([1, x.shape[0]]), x), [-1]);
}
