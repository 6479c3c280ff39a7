import { engine, getKernelsForBackend } from "@tensorflow/tfjs";
import { vi } from "vitest";

/** Names of kernels that the operations of `@tessera-lm/ops` know. */
export interface OwnKernels {
  /** Looked for on the current backend. */
  readonly wanted: readonly string[];
  /** Found there, and run. */
  readonly run: readonly string[];
}

/** Which of our kernels the current backend was asked for, and which it ran, during `f`. */
export function ownKernelsDuring(f: () => void): OwnKernels {
  const lookups = vi.spyOn(registry(), "get");
  const runs = vi.spyOn(engine(), "runKernel");
  const prefix = `${engine().backendName}_`;
  try {
    f();
    const wanted = lookups.mock.calls.map(([key]) => key.slice(prefix.length));
    return { wanted: own(wanted), run: own(runs.mock.calls.map(([name]) => name)) };
  } finally {
    lookups.mockRestore();
    runs.mockRestore();
  }
}

/** All of our kernels that a backend has. */
export function ownKernelsOf(backendName: string): readonly string[] {
  return own(getKernelsForBackend(backendName).map(({ kernelName }) => kernelName));
}

/** Each once, sorted. */
function own(names: readonly string[]): string[] {
  return [...new Set(names.filter((name) => name.startsWith("Tessera")))].sort();
}

/** Where tfjs-core keeps kernels, by "backend_kernel". */
function registry(): Map<string, unknown> {
  const globals = (globalThis as { _tfGlobals?: Map<string, unknown> })._tfGlobals;
  return globals?.get("kernelRegistry") as Map<string, unknown>;
}
