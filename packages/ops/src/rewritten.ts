import type { Tensor, Variable } from "@tensorflow/tfjs";

const times = new WeakMap<Tensor, number>();

/** Counts that a variable has got another value, perhaps in the same memory. */
export function countRewrite(variable: Variable): void {
  times.set(variable, timesRewritten(variable) + 1);
}

/**
 * How often {@link adamwStep} has given a tensor another value: where it rewrites memory in place, `dataId` stays.
 * Whoever keeps what was computed from a weight sees by both that it is out of date.
 */
export function timesRewritten(tensor: Tensor): number {
  return times.get(tensor) ?? 0;
}
