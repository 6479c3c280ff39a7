import { ReadError } from "./errors.ts";

/** Element types that can be read and written, by their safetensors names. */
export type DType = "F32" | "F16" | "BF16" | "I32" | "I64" | "U8" | "BOOL";

/** What a file says about a tensor without reading it. */
export interface TensorEntry {
  /** As the file names it: a `DType`, or another, such as `F64`, of which nothing but this entry can be read. */
  readonly dtype: string;
  /** Row-major; `[]` is a scalar. */
  readonly shape: readonly number[];
}

/**
 * A tensor in ordinary memory. `dtype` is how it is kept on disk; in memory F32, F16 and BF16 are a Float32Array,
 * I32 an Int32Array, I64 a BigInt64Array, U8 and BOOL a Uint8Array.
 */
export interface HostTensor extends TensorEntry {
  readonly dtype: DType;
  readonly data: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

/** A tensor that is fetched when its turn to be written comes: from a GPU, or out of another file. */
export interface LazyTensor extends TensorEntry {
  readonly dtype: DType;
  /** Called once; what it returns is written before the next tensor is asked for. */
  read(): Promise<HostTensor["data"]>;
}

/** What can be written: a tensor that is there, or one to be fetched, so that no two need be there at a time. */
export type TensorToWrite = HostTensor | LazyTensor;

/** Every dtype, in the order in which the reference implementation lays tensors out: by falling alignment. */
export const DTYPES: readonly DType[] = ["I64", "F32", "I32", "BF16", "F16", "U8", "BOOL"];

const BYTES: Readonly<Record<DType, number>> = { I64: 8, F32: 4, I32: 4, BF16: 2, F16: 2, U8: 1, BOOL: 1 };

export const isDType = (name: string): name is DType => (DTYPES as readonly string[]).includes(name);

/** The product of the sizes, or undefined where a size is no whole number ≥ 0 or the product passes 2⁵³. */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return undefined;
    count *= size;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}

/** Bytes that a tensor takes on disk, or undefined where its shape has no valid size. */
export function byteLength(dtype: DType, shape: readonly number[]): number | undefined {
  const count = elementCount(shape);
  const bytes = count === undefined ? Number.NaN : count * BYTES[dtype];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Rows along the first axis, the last not included. */
export type RowRange = readonly [start: number, end: number];

/** The shape of some rows of a tensor, or of all, and of those before them. @throws ReadError unless it has these rows */
export function rowsOf(
  file: string,
  tensor: string,
  shape: readonly number[],
  range?: RowRange,
): { readonly shape: readonly number[]; readonly skipped: readonly number[] } {
  if (range === undefined) return { shape, skipped: [0] };
  const [start, end] = range;
  const [rows = 0, ...row] = shape;
  if (Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= rows) {
    return { shape: [end - start, ...row], skipped: [start, ...row] };
  }
  throw new ReadError(
    file,
    `tensor ${JSON.stringify(tensor)} of shape [${shape.join(", ")}] has no rows ${start} to ${end}`,
  );
}

/** `F32 of shape [2, 3]`, for messages. */
export const describe = ({ dtype, shape }: TensorEntry): string => `${dtype} of shape [${shape.join(", ")}]`;
