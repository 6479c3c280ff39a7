import { type TensorInfo, util } from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import type { EngineDataType } from "../memory.ts";
import { moveCommandFor } from "./dtypes.ts";

/** A box of a tensor's elements: where it begins, and how far apart neighbours along each of its axes are. */
export interface View {
  readonly tensor: TensorInfo;
  readonly start: number;
  readonly steps: readonly number[];
}

/** The distance of neighbours along each axis of a tensor. */
export function stepsOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => util.sizeFromShape(shape.slice(axis + 1)));
}

/** The box of a tensor that begins at these coordinates, every `strides[axis]`th element along each axis. */
export function boxAt(tensor: TensorInfo, begin: readonly number[], strides?: readonly number[]): View {
  const steps = stepsOf(tensor.shape);
  const start = steps.reduce((sum, step, axis) => sum + step * (begin[axis] ?? 0), 0);
  return { tensor, start, steps: steps.map((step, axis) => step * (strides?.[axis] ?? 1)) };
}

/** Copies a box of `sizes` elements along each axis. */
export function copyBox(backend: EngineBackend, sizes: readonly number[], from: View, to: View): void {
  const command = moveCommandFor("copy_box", to.tensor.dtype);
  backend.run(command, sizes, from.tensor, from.start, from.steps, to.tensor, to.start, to.steps);
}

/** A new tensor of a box's elements; `sizes` may be other axes than `shape` of as many elements. */
export function copied(
  backend: EngineBackend,
  from: View,
  sizes: readonly number[],
  shape: readonly number[] = sizes,
): TensorInfo {
  const y = backend.output(shape, from.tensor.dtype as EngineDataType);
  copyBox(backend, sizes, from, { tensor: y, start: 0, steps: stepsOf(sizes) });
  return y;
}
