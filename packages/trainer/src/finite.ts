import type { Tensor } from "@tensorflow/tfjs";
import { globalNorm } from "@tessera-lm/ops";
import { NonFiniteParameterError } from "./errors.ts";
import type { Run } from "./run.ts";

/** One norm over all parameters; only if it is not finite, one by one. @throws NonFiniteParameterError */
export async function checkFiniteParameters({ step, parameters }: Run): Promise<void> {
  if (await isFinite([...parameters.values()])) return;
  for (const [name, parameter] of parameters) {
    if (!(await isFinite([parameter]))) throw new NonFiniteParameterError(step, name);
  }
}

async function isFinite(tensors: readonly Tensor[]): Promise<boolean> {
  const norm = globalNorm(tensors);
  try {
    return Number.isFinite((await norm.data())[0]);
  } finally {
    norm.dispose();
  }
}
