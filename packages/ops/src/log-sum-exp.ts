import { log, max, sub, type Tensor } from "@tensorflow/tfjs";

/**
 * log Σ exp(x) over the last axis, from x and its softmax p: max x − log max p, since p is exp(x) / Σ exp(x) at the
 * maximum too. Softmax is a fast kernel on every backend, while exp is a slow one on the WebAssembly backend.
 */
export function logSumExpOf(x: Tensor, p: Tensor): Tensor {
  return sub(max(x, x.rank - 1), log(max(p, p.rank - 1)));
}
