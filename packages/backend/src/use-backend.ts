import { setBackend } from "@tensorflow/tfjs";
import { BackendUnavailableError, UnknownBackendError } from "./errors.ts";
import { setTensorflowBackend } from "./tensorflow.ts";
import { setWasmBackend } from "./wasm/setup.ts";

/**
 * Where tensors are computed: "wasm" is WebAssembly, on the processor, anywhere; "cpu" is plain JavaScript, slow and
 * exact, for reference; "tensorflow" is the TensorFlow library through `@tensorflow/tfjs-node`, where it is installed.
 */
export type BackendName = "wasm" | "cpu" | "tensorflow";

/** Which backend is in use. */
export interface BackendReport {
  readonly name: BackendName;
  /** The same in words, with what it runs on. */
  readonly description: string;
}

/** The names that {@link useBackend} takes, the fastest for training first. */
export const backendNames: readonly BackendName[] = ["wasm", "tensorflow", "cpu"];

/**
 * Makes a TensorFlow.js backend the current one, completed by what a language model needs and it lacks.
 *
 * @param name default: the best that is present, wasm
 * @returns which it is
 * @throws UnknownBackendError if there is none of this name
 * @throws BackendUnavailableError if it does not run here
 */
export async function useBackend(name: BackendName = "wasm"): Promise<BackendReport> {
  const starter = starters.get(name);
  if (starter === undefined) throw new UnknownBackendError(name, backendNames);
  return { name, description: await starter() };
}

/** What makes each backend the current one, and says in words what it is. */
const starters: ReadonlyMap<string, () => Promise<string>> = new Map([
  ["wasm", () => setWasmBackend()],
  ["tensorflow", setTensorflowBackend],
  ["cpu", setCpuBackend],
]);

async function setCpuBackend(): Promise<string> {
  if (!(await setBackend("cpu"))) throw new BackendUnavailableError("cpu", "it did not start.");
  return "TensorFlow.js's plain JavaScript backend, one thread";
}
