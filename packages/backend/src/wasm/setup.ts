import { backend, type KernelConfig, registerKernel, setBackend, unregisterKernel } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { BackendUnavailableError } from "../errors.ts";
import { batchMatMulKernel } from "./batch-mat-mul.ts";
import { fusedMatMulKernel } from "./fused-mat-mul.ts";
import { refuseFailedAllocations } from "./heap.ts";
import { transposeKernel } from "./transpose.ts";
import { unsortedSegmentSum } from "./unsorted-segment-sum.ts";

let ready: Promise<void> | undefined;

/**
 * Makes TensorFlow.js's stock WebAssembly backend the current one, with the kernels that it lacks or has only slowly.
 * @returns what runs, in words
 * @throws BackendUnavailableError if the backend does not start
 */
export async function setWasmBackend(): Promise<string> {
  await import("@tensorflow/tfjs-backend-wasm");
  ready ??= start();
  await ready;
  await setBackend("wasm");
  return "TensorFlow.js's WebAssembly backend (XNNPACK) with faster matrix products";
}

async function start(): Promise<void> {
  // Kernels are set up when a backend starts, so ours must be there before.
  for (const kernel of [batchMatMulKernel(), fusedMatMulKernel(), transposeKernel()]) replaceKernel(kernel);
  registerKernel(unsortedSegmentSum);
  const started = await withoutCrashHandlers(() => setBackend("wasm"));
  if (!started) throw new BackendUnavailableError("wasm", notStarted);
  refuseFailedAllocations(backend() as BackendWasm);
}

const notStarted =
  "WebAssembly or its .wasm file did not load. In a browser, say where the file is served: call `setWasmPaths` of " +
  "@tensorflow/tfjs-backend-wasm first. Or choose the backend cpu.";

function replaceKernel(kernel: KernelConfig): void {
  unregisterKernel(kernel.kernelName, kernel.backendName);
  registerKernel(kernel);
}

/**
 * Takes back the handlers of uncaught errors that the compiled module installs in Node: they rethrow the error from
 * inside the module, and Node then shows a page of the module's code in front of what went wrong.
 */
async function withoutCrashHandlers<T>(f: () => Promise<T>): Promise<T> {
  const process = globalThis.process as NodeJS.EventEmitter | undefined;
  const listeners = (event: string): unknown[] => process?.listeners?.(event) ?? [];
  const before = new Set(crashEvents.flatMap(listeners));
  const result = await f();
  for (const event of crashEvents) {
    const added = listeners(event).filter((listener) => !before.has(listener) && rethrows.test(String(listener)));
    for (const listener of added) process?.removeListener(event, listener as () => void);
  }
  return result;
}

const crashEvents = ["uncaughtException", "unhandledRejection"];

/** Tells the module's handlers from those that somebody else adds in the meantime. */
const rethrows = /throw (ex|reason)\b/;
