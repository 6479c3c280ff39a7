import type { TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { WasmMemoryError } from "../errors.ts";

/** The part of the compiled module that our kernels call; the published types leave most of it out. */
export interface WasmModule {
  readonly HEAPU8: Uint8Array;
  /** Address of n new bytes. It comes signed, and is 0 when there is no room. */
  _malloc(bytes: number): number;
  _free(address: number): void;
  /** A C++ function; one that takes only numbers comes back without a wrapper. */
  cwrap(name: string, result: null, parameters: readonly "number"[]): (...values: readonly number[]) => void;
  readonly tfjs: {
    /** Makes the memory at `address` known to the C++ kernels under `id`. */
    registerTensor(id: number, size: number, address: number): void;
    /** Forgets the id, and what kernels have cached for it; the memory stays. */
    disposeData(id: number): void;
  };
}

/** The backend's compiled module. */
export function wasmModule(backend: BackendWasm): WasmModule {
  return backend.wasm as unknown as WasmModule;
}

/** The floats of a tensor, as a view that the next allocation may detach. */
export function floats(backend: BackendWasm, tensor: TensorInfo): Float32Array {
  return backend.typedArrayFromHeap(tensor) as Float32Array;
}

/** Where a tensor lies in the heap, in bytes. */
export function address(backend: BackendWasm, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}

/**
 * Makes every allocation of a tensor fail with an error when there is no room. Unpatched, the backend takes address 0
 * for memory, and the tensors that end there overwrite each other.
 * @throws WasmMemoryError from any later allocation that fails
 */
export function refuseFailedAllocations(backend: BackendWasm): void {
  const wasm = wasmModule(backend);
  // At its first call the module's function puts another in its own place; after it, ours stays.
  wasm._free(wasm._malloc(1));
  const allocate = wasm._malloc;
  wasm._malloc = (bytes) => {
    const start = allocate(bytes);
    if (start === 0 && bytes > 0) throw new WasmMemoryError(bytes, wasm.HEAPU8.length);
    return start;
  };
}
