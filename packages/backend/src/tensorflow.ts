import { backend, setBackend } from "@tensorflow/tfjs";
import { BackendUnavailableError } from "./errors.ts";
import { importOptional } from "./optional-import.ts";

/**
 * Makes the TensorFlow library the current backend.
 * @returns what runs, in words
 * @throws BackendUnavailableError if neither `@tensorflow/tfjs-node` nor `-gpu` is installed, or it does not load
 */
export async function setTensorflowBackend(): Promise<string> {
  replaceDeprecatedUtilities();
  const name = await load("@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu");
  if (!(await setBackend("tensorflow"))) throw new BackendUnavailableError("tensorflow", "it did not start.");
  const { binding } = backend() as { binding?: { TF_Version?: string } };
  return `the TensorFlow library ${binding?.TF_Version ?? ""} through ${name}`;
}

/** Imports the first of these packages that is installed, and says which. */
async function load(...names: readonly string[]): Promise<string> {
  for (const name of names) if ((await importOptional("tensorflow", name)) !== undefined) return name;
  const advice = "Run `npm install @tensorflow/tfjs-node@4.22.0`, or choose another backend.";
  throw new BackendUnavailableError("tensorflow", `${names[0]} is not installed. ${advice}`);
}

/** tfjs-node 4.22 calls two functions on nearly every operation that Node has deprecated, and in version 23 removed. */
function replaceDeprecatedUtilities(): void {
  const util = globalThis.process?.getBuiltinModule?.("node:util") as DeprecatedUtilities | undefined;
  if (util === undefined) return;
  util.isNullOrUndefined = (value) => value === null || value === undefined;
  util.isArray = Array.isArray;
}

interface DeprecatedUtilities {
  isNullOrUndefined?: (value: unknown) => boolean;
  isArray?: (value: unknown) => boolean;
}
