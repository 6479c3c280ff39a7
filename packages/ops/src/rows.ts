import { matMul, reshape, type Tensor, type Tensor2D, transpose } from "@tensorflow/tfjs";

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
