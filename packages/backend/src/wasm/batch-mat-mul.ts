import {
  BatchMatMul,
  broadcast_util,
  getKernel,
  type KernelConfig,
  type TensorInfo,
  Transpose,
  util,
} from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { address, floats } from "./heap.ts";
import { type ProductSize, withMatrixProduct } from "./matrix-product.ts";

/**
 * BatchMatMul for the wasm backend. The stock kernel is fast for one product without transposes, and ten times slower
 * otherwise. This one makes transposed copies where it must, and then one fast product for each matrix of the batch.
 */
export function batchMatMulKernel(): KernelConfig {
  const stock = getKernel(BatchMatMul, "wasm") as KernelConfig;
  const kernelFunc: KernelConfig["kernelFunc"] = (call) => {
    const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    const plain = !transposeA && !transposeB && util.sizeFromShape(b.shape.slice(0, -2)) === 1;
    if ((plain && isSmall(a, b)) || a.dtype !== "float32" || b.dtype !== "float32") return stock.kernelFunc(call);
    return multiply(
      call.backend as BackendWasm,
      { tensor: a, transposed: transposeA },
      { tensor: b, transposed: transposeB },
    );
  };
  return { ...stock, kernelFunc };
}

/** With so few rows, packing the right operand costs more than the product. */
const FEW_ROWS = 4;

/**
 * Whether the stock kernel should make a product without transposes: it keeps its packed copy of B until B is disposed
 * of, which is worth its memory when a matrix meets one row after the other, as weights do in generation.
 */
export function isSmall(a: TensorInfo, b: TensorInfo): boolean {
  const rows = util.sizeFromShape(a.shape.slice(0, -1));
  return rows <= FEW_ROWS && util.sizeFromShape(a.shape) > 0 && util.sizeFromShape(b.shape) > 0;
}

/** Matrices (…, rows, columns), to be read as (…, columns, rows) if transposed. */
interface Operand {
  readonly tensor: TensorInfo;
  readonly transposed: boolean;
}

function multiply(backend: BackendWasm, a: Operand, b: Operand): TensorInfo {
  const size = productSize(a, b);
  if (a.tensor.shape.length === 2 && cheaperFlipped(a, b, size)) {
    const flipped = multiply(backend, flip(b), flip(a));
    const output = transposed(backend, flipped);
    backend.disposeData(flipped.dataId);
    return output;
  }
  const batches = broadcast_util.assertAndGetBroadcastShape(a.tensor.shape.slice(0, -2), b.tensor.shape.slice(0, -2));
  const output = backend.makeOutput([...batches, size.rows, size.columns], "float32");
  if (size.inner === 0) floats(backend, output).fill(0);
  if (size.inner === 0 || util.sizeFromShape(output.shape) === 0) return output;
  const left = a.transposed ? transposed(backend, a.tensor) : a.tensor;
  const right = b.transposed ? transposed(backend, b.tensor) : b.tensor;
  multiplyAll(backend, left, right, output, size);
  if (left !== a.tensor) backend.disposeData(left.dataId);
  if (right !== b.tensor) backend.disposeData(right.dataId);
  return output;
}

/** One product per matrix of the batch; a right operand that all share meets all rows at once. */
function multiplyAll(
  backend: BackendWasm,
  left: TensorInfo,
  right: TensorInfo,
  output: TensorInfo,
  size: ProductSize,
): void {
  const [a, b, c] = [left, right, output].map((tensor) => address(backend, tensor)) as [number, number, number];
  const batches = output.shape.slice(0, -2);
  const count = util.sizeFromShape(batches);
  const { rows, inner, columns } = size;
  if (util.sizeFromShape(right.shape.slice(0, -2)) === 1) {
    return withMatrixProduct(backend, { ...size, rows: rows * count }, (product) => product(a, b, c));
  }
  const leftIndex = broadcastIndex(left.shape.slice(0, -2), batches);
  const rightIndex = broadcastIndex(right.shape.slice(0, -2), batches);
  withMatrixProduct(backend, size, (product) => {
    for (let i = 0; i < count; i++) {
      product(a + 4 * rows * inner * leftIndex(i), b + 4 * inner * columns * rightIndex(i), c + 4 * rows * columns * i);
    }
  });
}

/** Which matrix of a batch of shape `from` stands at place i of the batch of shape `to` that it is broadcast to. */
function broadcastIndex(from: readonly number[], to: readonly number[]): (i: number) => number {
  if (util.sizeFromShape([...from]) === util.sizeFromShape([...to])) return (i) => i;
  const padded = [...to.slice(from.length).map(() => 1), ...from];
  return (i) => {
    let [index, stride, rest] = [0, 1, i];
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const size = to[axis] as number;
      if (padded[axis] !== 1) index += (rest % size) * stride;
      stride *= padded[axis] as number;
      rest = Math.floor(rest / size);
    }
    return index;
  };
}

function productSize(a: Operand, b: Operand): ProductSize {
  const [rows, inner] = matrixShape(a);
  const [innerB, columns] = matrixShape(b);
  util.assert(
    inner === innerB,
    () =>
      `matMul: the inner sizes of shapes (${a.tensor.shape}) and (${b.tensor.shape}) differ: ${inner} and ${innerB}`,
  );
  return { rows, inner, columns };
}

function matrixShape({ tensor, transposed }: Operand): [rows: number, columns: number] {
  const [rows, columns] = tensor.shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** Whether (Bᵀ · Aᵀ)ᵀ moves fewer numbers into transposed copies than A · B: one hidden state times a large table, say. */
function cheaperFlipped(a: Operand, b: Operand, { rows, inner, columns }: ProductSize): boolean {
  const direct = (a.transposed ? rows * inner : 0) + (b.transposed ? inner * columns : 0);
  const flipped = (a.transposed ? 0 : rows * inner) + (b.transposed ? 0 : inner * columns) + rows * columns;
  return b.tensor.shape.length === 2 && flipped < direct;
}

const flip = ({ tensor, transposed }: Operand): Operand => ({ tensor, transposed: !transposed });

function transposed(backend: BackendWasm, x: TensorInfo): TensorInfo {
  const axes = x.shape.map((_, axis) => axis);
  const perm = [...axes.slice(0, -2), ...axes.slice(-2).reverse()];
  return getKernel(Transpose, "wasm").kernelFunc({ inputs: { x }, attrs: { perm }, backend }) as TensorInfo;
}
