import { scalar, Tensor } from "@tensorflow/tfjs";
import { packageModule } from "./engine-files.ts";
import { type CopyOfTensorflow, TensorflowCopiesError } from "./errors.ts";

/**
 * All copies of TensorFlow.js in a program share one list of kernels, in which each overwrites what was there.
 * @throws TensorflowCopiesError if there is another copy than the one that we import
 */
export function requireOneTensorflow(): void {
  const copies = copiesInNode();
  if (copies.length > 1 || !makesTensors()) throw new TensorflowCopiesError(copies);
}

/** The copies that Node has loaded, none elsewhere and in bundles. */
function copiesInNode(): CopyOfTensorflow[] {
  const { createRequire } = globalThis.process?.getBuiltinModule?.("node:module") ?? {};
  const modules = createRequire?.(packageModule).cache ?? {};
  return Object.entries(modules).flatMap(([path, module]) =>
    core.test(path) ? [{ path, version: String(module?.exports?.version_core) }] : [],
  );
}

const core = /[\\/]tfjs-core[\\/]dist[\\/]tf-core\.[^\\/]*js$/;

/** Whether our copy was loaded first: that one makes the tensors for all. */
function makesTensors(): boolean {
  const probe = scalar(0);
  probe.dispose();
  return probe.constructor === Tensor;
}
