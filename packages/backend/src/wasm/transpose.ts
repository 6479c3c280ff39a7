import { getKernel, type KernelConfig, type TensorInfo, Transpose } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { floats } from "./heap.ts";

/**
 * Transpose for the wasm backend. The stock kernel writes a matrix down its columns, which takes five times as long when
 * the rows number a multiple of 512: all writes then fall on the same few cache lines. Here such matrices go by square
 * blocks that stay in the cache; everything else goes to the stock kernel.
 */
export function transposeKernel(): KernelConfig {
  const stock = getKernel(Transpose, "wasm") as KernelConfig;
  const kernelFunc: KernelConfig["kernelFunc"] = (call) => {
    const x = call.inputs.x as TensorInfo;
    const permutation = call.attrs?.perm as readonly number[];
    const backend = call.backend as BackendWasm;
    const shape = permutation.map((axis) => x.shape[axis] as number);
    // The stock kernel divides by the sizes.
    if (shape.includes(0)) return backend.makeOutput(shape, x.dtype);
    const matrices = x.dtype === "float32" ? asMatrices(x.shape, permutation) : undefined;
    if (matrices === undefined || matrices.rows % 512 !== 0) return stock.kernelFunc(call);
    const output = backend.makeOutput(shape, "float32");
    transposeMatrices(floats(backend, x), floats(backend, output), matrices);
    return output;
  };
  return { ...stock, kernelFunc };
}

/** `count` matrices in row-major order, one after the other. */
interface Matrices {
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
}

/** A block of 16 × 16 floats touches 32 cache lines, all of each. */
const BLOCK = 16;

/** y = xᵀ, matrix by matrix: (count, rows, columns) → (count, columns, rows). */
function transposeMatrices(x: Float32Array, y: Float32Array, { count, rows, columns }: Matrices): void {
  const size = rows * columns;
  for (let start = 0; start < count * size; start += size) {
    for (let i = 0; i < rows; i += BLOCK) {
      for (let j = 0; j < columns; j += BLOCK) {
        const [height, width] = [Math.min(BLOCK, rows - i), Math.min(BLOCK, columns - j)];
        transposeBlock(x, start + i * columns + j, columns, y, start + j * rows + i, rows, height, width);
      }
    }
  }
}

function transposeBlock(
  x: Float32Array,
  from: number,
  columns: number,
  y: Float32Array,
  to: number,
  rows: number,
  height: number,
  width: number,
): void {
  for (let j = 0; j < width; j++) {
    for (let i = 0; i < height; i++) y[to + j * rows + i] = x[from + i * columns + j] as number;
  }
}

/** A permutation of axes as the transpose of matrices, if it is one: leading axes stay, then two runs change places. */
function asMatrices(shape: readonly number[], permutation: readonly number[]): Matrices | undefined {
  const staying = permutation.findIndex((axis, i) => axis !== i);
  if (staying < 0) return undefined;
  const [split, end] = [permutation[staying] as number, shape.length];
  const swapped = [...range(0, staying), ...range(split, end), ...range(staying, split)];
  if (permutation.some((axis, i) => axis !== swapped[i])) return undefined;
  return { count: sizeOf(shape, 0, staying), rows: sizeOf(shape, staying, split), columns: sizeOf(shape, split, end) };
}

const range = (start: number, end: number): number[] => Array.from({ length: end - start }, (_, i) => start + i);

const sizeOf = (shape: readonly number[], start: number, end: number): number =>
  shape.slice(start, end).reduce((size, axis) => size * axis, 1);
