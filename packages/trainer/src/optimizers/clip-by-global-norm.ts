import { checkPositive } from "../check-number.ts";
import type { GradientTransform } from "./gradients.ts";

/** Keeps PyTorch's clipped gradients ours, to the last bits: `clip_grad_norm_` divides by norm + 1e-6. */
const EPSILON = 1e-6;

/** gradient · min(1, maxNorm / (‖gradient‖ + 1e-6)), where ‖·‖ is the norm over all parameters together. @throws InvalidOptionError */
export function clipByGlobalNorm(maxNorm: number): GradientTransform {
  checkPositive("maxNorm", maxNorm);
  return ({ tensors, scale, norm }) => {
    const factor = Math.min(1, maxNorm / (norm + EPSILON));
    return { tensors, scale: scale * factor, norm: norm * factor };
  };
}
