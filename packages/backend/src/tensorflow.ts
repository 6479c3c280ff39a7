import { setBackend } from "@tensorflow/tfjs";
import { BackendUnavailableError } from "./errors.ts";

/** A name in a variable, so that bundlers and the compiler do not look for a package that need not be there. */
const tfjsNode: string = "@tensorflow/tfjs-node";

/**
 * Makes the TensorFlow library the current backend.
 * @returns what runs, in words
 * @throws BackendUnavailableError if `@tensorflow/tfjs-node` is not installed or does not load
 */
export async function setTensorflowBackend(): Promise<string> {
  restoreRemovedUtilities();
  try {
    await import(tfjsNode);
  } catch (cause) {
    throw new BackendUnavailableError("tensorflow", advice(cause), cause);
  }
  if (!(await setBackend("tensorflow"))) throw new BackendUnavailableError("tensorflow", "it did not start.");
  return "the TensorFlow library through @tensorflow/tfjs-node";
}

/** tfjs-node 4.22 calls two functions on nearly every operation that Node 23 has removed. */
function restoreRemovedUtilities(): void {
  const util = globalThis.process?.getBuiltinModule?.("node:util") as Partial<RemovedUtilities> | undefined;
  if (util === undefined) return;
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

interface RemovedUtilities {
  isNullOrUndefined: (value: unknown) => boolean;
  isArray: (value: unknown) => boolean;
}

function advice(cause: unknown): string {
  const code = (cause as { code?: unknown }).code;
  if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") {
    return "@tensorflow/tfjs-node is not installed. Run `npm install @tensorflow/tfjs-node@4.22.0`, or choose wasm.";
  }
  return `@tensorflow/tfjs-node does not load: ${(cause as Error).message}. Reinstall it, or choose wasm.`;
}
