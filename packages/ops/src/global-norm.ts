import { addN, type Scalar, scalar, sqrt, square, sum, type Tensor, tidy } from "@tensorflow/tfjs";
import { fused } from "./differentiable.ts";
import { requireType } from "./validate.ts";

/**
 * globalNorm(g) = √Σ‖gᵢ‖²: the length of all tensors together as one vector, 0 for none. It has no gradient.
 *
 * Pascanu, Mikolov, Bengio 2013, https://arxiv.org/abs/1211.5063; the norm in `torch.nn.utils.clip_grad_norm_`.
 *
 * Kernel `TesseraGlobalNorm`: inputs "0", "1", …; no attributes; one scalar.
 *
 * @param tensors any shapes
 * @returns a scalar, which stays on the device
 */
export function globalNorm(tensors: readonly Tensor[]): Scalar {
  for (const tensor of tensors) requireType("globalNorm", "every tensor", tensor, "float32");
  if (tensors.length === 0) return scalar(0);
  // The squares of one tensor at a time: each has the tensor's size.
  const compose = () => [sqrt(addN(tensors.map((tensor) => tidy(() => sum(square(tensor))))))];
  return tidy(() => fused("TesseraGlobalNorm", Object.fromEntries(tensors.entries()), {}, compose)[0] as Scalar);
}
