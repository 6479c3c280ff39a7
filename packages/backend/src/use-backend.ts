import { findBackendFactory, setBackend } from "@tensorflow/tfjs";
import { setTesseraBackend, setTesseraWasmBackend } from "./engine/start.ts";
import { BackendUnavailableError, UnknownBackendError } from "./errors.ts";
import { requireOneTensorflow } from "./one-tensorflow.ts";
import { setTensorflowBackend } from "./tensorflow.ts";
import { setWasmBackend } from "./wasm/setup.ts";
import { setWebgpuBackend } from "./webgpu/setup.ts";

/**
 * Where tensors are computed:
 *
 * - "tessera": the engine as a Node addon, on all cores;
 * - "tessera-wasm": the engine as WebAssembly, on one core, in Node and browsers;
 * - "tensorflow": the TensorFlow library through `@tensorflow/tfjs-node`, where it is installed;
 * - "webgpu": the graphics processor, by TensorFlow.js's WebGPU backend, where that is installed;
 * - "wasm": TensorFlow.js's own WebAssembly backend;
 * - "cpu": plain JavaScript, slow and exact, for reference.
 */
export type BackendName = "tessera" | "tessera-wasm" | "tensorflow" | "webgpu" | "wasm" | "cpu";

/** Which backend is in use. */
export interface BackendReport {
  readonly name: BackendName;
  /** The same in words, with what it runs on. */
  readonly description: string;
}

export const backendNames: readonly BackendName[] = ["tessera", "tessera-wasm", "tensorflow", "webgpu", "wasm", "cpu"];

/**
 * Makes a TensorFlow.js backend the current one.
 *
 * Without a name it is the engine: the addon in Node, WebAssembly in browsers, or there WebGPU if the program has
 * imported `@tensorflow/tfjs-backend-webgpu`. Where the addon or WebGPU does not start, WebAssembly takes its place and
 * one line on the console says why.
 *
 * @param name default: the best that is present
 * @returns which it is
 * @throws UnknownBackendError if there is none of this name
 * @throws BackendUnavailableError if it does not run here
 * @throws InvalidSettingError if `TESSERA_THREADS` or `TESSERA_SIMD` is none that the engine can use
 * @throws TensorflowCopiesError if the program has loaded TensorFlow.js more than once
 */
export async function useBackend(name?: BackendName): Promise<BackendReport> {
  const chosen = name ?? best();
  const starter = starters.get(chosen);
  if (starter === undefined) throw new UnknownBackendError(chosen, backendNames);
  try {
    const description = await starter();
    requireOneTensorflow();
    return { name: chosen, description };
  } catch (error) {
    const replaceable = chosen === "tessera" || (name === undefined && chosen === "webgpu");
    if (!replaceable || !(error instanceof BackendUnavailableError)) throw error;
    sayOnce(`${error.message} Using tessera-wasm, which is slower.`);
    return useBackend("tessera-wasm");
  }
}

const said = new Set<string>();

function sayOnce(line: string): void {
  if (!said.has(line)) console.warn(line);
  said.add(line);
}

function best(): BackendName {
  if (globalThis.process?.versions?.node !== undefined) return "tessera";
  return findBackendFactory("webgpu") == null ? "tessera-wasm" : "webgpu";
}

/** What makes each backend the current one, and says in words what it is. */
const starters: ReadonlyMap<string, () => Promise<string>> = new Map([
  ["tessera", setTesseraBackend],
  ["tessera-wasm", setTesseraWasmBackend],
  ["tensorflow", setTensorflowBackend],
  ["webgpu", setWebgpuBackend],
  ["wasm", () => setWasmBackend()],
  ["cpu", setCpuBackend],
]);

async function setCpuBackend(): Promise<string> {
  if (!(await setBackend("cpu"))) throw new BackendUnavailableError("cpu", "it did not start.");
  return "TensorFlow.js's plain JavaScript backend, one thread";
}
