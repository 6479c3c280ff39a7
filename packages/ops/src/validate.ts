import { engine, type Tensor } from "@tensorflow/tfjs";
import { OptionError, ShapeError, TokenIdError } from "./errors.ts";

/** A dimension that a tensor must have: a size, or a name for any size. */
type Dimension = number | string;

function show(shape: readonly Dimension[]): string {
  return `(${shape.join(", ")})`;
}

function matches(shape: readonly number[], expected: readonly Dimension[]): boolean {
  const leading = expected[0] === "…" ? shape.length - expected.length + 1 : 0;
  const rest = expected[0] === "…" ? expected.slice(1) : expected;
  if (leading < 0 || shape.length - leading !== rest.length) return false;
  return rest.every((size, i) => typeof size === "string" || size === shape[leading + i]);
}

/** Throws a {@link ShapeError} unless `tensor` has the expected shape, where "…" first stands for any leading dimensions. */
export function requireShape(operation: string, name: string, tensor: Tensor, ...expected: readonly Dimension[]): void {
  if (matches(tensor.shape, expected)) return;
  throw new ShapeError(operation, `${name} must have shape ${show(expected)}, but has shape ${show(tensor.shape)}`);
}

/** Throws a {@link ShapeError} unless `tensor` has the dtype. */
export function requireType(operation: string, name: string, tensor: Tensor, dtype: "float32" | "int32"): void {
  if (tensor.dtype === dtype) return;
  const advice = dtype === "int32" ? " (make it with tensor(values, shape, 'int32'))" : " (convert it with cast)";
  throw new ShapeError(operation, `${name} must be ${dtype}${advice}, but is ${tensor.dtype}`);
}

/** Throws a {@link ShapeError} unless `tensor` is float32 of the expected shape. */
export function requireFloat(operation: string, name: string, tensor: Tensor, ...expected: readonly Dimension[]): void {
  requireType(operation, name, tensor, "float32");
  requireShape(operation, name, tensor, ...expected);
}

/** Backends whose memory JavaScript reads without waiting for anything. */
const READABLE = new Set(["cpu", "wasm"]);

/**
 * Throws a {@link TokenIdError} unless every id lies in [first, end). Ids are read only where that costs nothing;
 * on a GPU it would stall the queue, and there an id out of range gives an undefined result.
 */
export function requireIds(operation: string, ids: Tensor, first: number, end: number): void {
  const outside = firstOutside(ids, first, end);
  if (outside) throw new TokenIdError(operation, outside.value, outside.index, `${first} to ${end - 1}`);
}

/** Throws an {@link OptionError} unless a cache of `capacity` positions has room for all; read as by `requireIds`. */
export function requirePositions(operation: string, positions: Tensor, capacity: number): void {
  const outside = firstOutside(positions, 0, capacity);
  if (!outside) return;
  throw new OptionError(operation, `position ${outside.value} is outside of the cache, which has room for ${capacity}`);
}

function firstOutside(ids: Tensor, first: number, end: number): { value: number; index: number } | undefined {
  if (!READABLE.has(engine().backendName)) return undefined;
  const values = ids.dataSync();
  const index = values.findIndex((id) => id < first || id >= end);
  return index < 0 ? undefined : { value: values[index] ?? 0, index };
}
