import { env } from "@tensorflow/tfjs";
import { BackendUnavailableError } from "../errors.ts";
import { startThreads } from "./thread-pool.ts";

/** The part of `@tensorflow/tfjs-backend-wasm` that decides about threads. */
interface ThreadedPackage {
  setThreadsCount(count: number): void;
}

/** More threads than this gain little on the matrices of models that train in WebAssembly. */
const MOST_THREADS = 4;

/**
 * How many threads to use here: all processors but one, as far as they help. Every product waits for all its threads,
 * and a step makes a thousand of them: a neighbour on the last processor would make it four times slower.
 */
export function usefulThreads(): number {
  const os = globalThis.process?.getBuiltinModule?.("node:os");
  return Math.max(1, Math.min(MOST_THREADS, (os?.availableParallelism() ?? 1) - 1));
}

/**
 * Runs `start`, which starts the wasm backend, so that it multiplies matrices on `count` threads in Node too. The
 * package ships a threaded binary, but in Node it gives its workers a script that Node's workers do not take, and counts
 * only every second processor. Both are put right while it starts, and are then as they were. In browsers, in a Node
 * without `process.getBuiltinModule` (before 20.16) and where workers do not run, `start` runs unaided.
 */
export async function withNodeThreads(
  wasmPackage: ThreadedPackage,
  count: number,
  start: () => Promise<void>,
): Promise<void> {
  const os = globalThis.process?.getBuiltinModule?.("node:os");
  const threads = count > 1 ? await startThreads(count - 1) : undefined;
  if (os === undefined || threads === undefined) return start();

  const restoreCpus = override(os, "cpus", { value: () => Array.from({ length: 2 * count }) });
  const restoreWorker = override(globalThis, "Worker", { get: () => threads.Worker, set: () => undefined });
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", true);
  wasmPackage.setThreadsCount(count);
  try {
    await Promise.race([start(), threads.failure.then(refuse)]);
  } finally {
    restoreCpus();
    restoreWorker();
  }
}

function refuse(cause: unknown): never {
  throw new BackendUnavailableError("wasm", "one of its threads did not load. Choose the backend cpu.", cause);
}

/** Gives a property another meaning until the returned function is called. */
function override(target: object, name: string, descriptor: PropertyDescriptor): () => void {
  const original = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { ...descriptor, configurable: true });
  return () => {
    if (original === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, original);
  };
}
