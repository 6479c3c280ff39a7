import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type WasmModule, wasmModule } from "./heap.ts";

/** Sizes of C = A · B: (rows, inner) · (inner, columns) → (rows, columns). */
export interface ProductSize {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** C = A · B for three addresses in the heap. */
export type MatrixProduct = (a: number, b: number, c: number) => void;

/** Ids for operands on loan; the backend counts its own up from 1 and does not come near. */
const LEFT = 2 ** 30;
const RIGHT = LEFT + 1;
const RESULT = LEFT + 2;

/**
 * The fast product of the wasm backend (XNNPACK), on plain addresses.
 *
 * XNNPACK keeps a packed copy of B under B's id for as long as the id lives, and would use it again although B had been
 * written in place. So each operand gets an id for one product only: nothing is kept, and nothing can be stale.
 */
export function withMatrixProduct(
  backend: BackendWasm,
  size: ProductSize,
  use: (multiply: MatrixProduct) => void,
): void {
  const wasm = wasmModule(backend);
  const run = kernel(wasm);
  const { rows, inner, columns } = size;
  const shapes = wasm._malloc(24) >>> 0;
  new Int32Array(wasm.HEAPU8.buffer, shapes, 6).set([1, rows, inner, 1, inner, columns]);
  const { registerTensor, disposeData } = wasm.tfjs;
  const multiply: MatrixProduct = (a, b, c) => {
    registerTensor(LEFT, rows * inner, a);
    registerTensor(RIGHT, inner * columns, b);
    registerTensor(RESULT, rows * columns, c);
    run(LEFT, shapes, 3, RIGHT, shapes + 12, 3, 0, 0, RESULT);
    for (const id of [LEFT, RIGHT, RESULT]) disposeData(id);
  };
  try {
    use(multiply);
  } finally {
    wasm._free(shapes);
  }
}

const kernels = new WeakMap<WasmModule, (...values: readonly number[]) => void>();

function kernel(wasm: WasmModule): (...values: readonly number[]) => void {
  const known = kernels.get(wasm);
  if (known !== undefined) return known;
  const run = wasm.cwrap(
    "BatchMatMul",
    null,
    Array.from({ length: 9 }, () => "number" as const),
  );
  kernels.set(wasm, run);
  return run;
}
