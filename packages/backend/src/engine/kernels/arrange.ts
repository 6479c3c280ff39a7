import {
  backend_util,
  type PadV2Attrs,
  type ReverseAttrs,
  type SliceAttrs,
  type SplitVAttrs,
  type StridedSliceAttrs,
  slice_util,
  type TensorInfo,
  type TileAttrs,
  type TransposeAttrs,
  type UnpackAttrs,
  util,
} from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import { type EngineDataType, isEngineType } from "../memory.ts";
import { allTypes, haveType } from "./dtypes.ts";
import { filled } from "./elementwise.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { boxAt, copied, copyBox, stepsOf } from "./views.ts";

/** What puts elements elsewhere. */
export const arrangeKernels: readonly EngineKernel[] = [
  kernel("Transpose", transpose),
  kernel("Slice", slice),
  kernel("StridedSlice", stridedSlice),
  kernel("SplitV", split),
  kernel("Unpack", unpack, "value"),
  kernel("Reverse", reverse),
  kernel("Tile", tile),
  kernel("PadV2", pad),
  joinKernel("Concat", concat),
  joinKernel("Pack", pack),
];

function kernel(
  name: string,
  run: (x: TensorInfo, attributes: unknown, backend: EngineBackend) => TensorInfo | TensorInfo[],
  input = "x",
): EngineKernel {
  return {
    name,
    accepts: (inputs) => isEngineType((inputs[input] as TensorInfo).dtype),
    run: ({ inputs, attributes, backend }) => run(inputs[input] as TensorInfo, attributes, backend),
  };
}

/** The inputs of these two are a list. */
function joinKernel(
  name: string,
  run: (x: readonly TensorInfo[], axis: number, backend: EngineBackend) => TensorInfo,
): EngineKernel {
  const list = (inputs: KernelCall["inputs"]) => inputs as unknown as readonly TensorInfo[];
  return {
    name,
    accepts: (inputs) => haveType(list(inputs), allTypes),
    run: ({ inputs, attributes, backend }) => run(list(inputs), attributes.axis as number, backend),
  };
}

/** The same memory, as a tensor of this shape. */
function shared(backend: EngineBackend, x: TensorInfo, shape: number[] = x.shape): TensorInfo {
  backend.incRef(x.dataId);
  return { ...x, shape };
}

function transpose(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo {
  const { perm } = attributes as TransposeAttrs;
  const steps = stepsOf(x.shape);
  const sizes = perm.map((axis) => x.shape[axis] as number);
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > (moved[i - 1] as number))) return shared(backend, x, sizes);
  return copied(backend, { tensor: x, start: 0, steps: perm.map((axis) => steps[axis] as number) }, sizes);
}

function slice(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo {
  const { begin, size } = attributes as SliceAttrs;
  const [start, sizes] = slice_util.parseSliceParams(x as never, begin, size);
  slice_util.assertParamsValid(x, start as number[], sizes as number[]);
  return copied(backend, boxAt(x, start as number[]), sizes as number[]);
}

function stridedSlice(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo {
  const a = attributes as StridedSliceAttrs;
  const masks = [a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask] as const;
  const info = slice_util.sliceInfo(x.shape, a.begin, a.end, a.strides, ...masks);
  if (info.isIdentity) return shared(backend, x, info.finalShape);
  const sizes = slice_util.computeOutShape(info.begin, info.end, info.strides).map((size) => Math.max(0, size));
  return copied(backend, boxAt(x, info.begin, info.strides), sizes, info.finalShape);
}

function split(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo[] {
  const { numOrSizeSplits, axis: given } = attributes as SplitVAttrs;
  const axis = util.parseAxisParam(given, x.shape)[0] as number;
  const sizes = backend_util.prepareSplitSize(x as never, numOrSizeSplits, axis);
  return cut(x, axis, sizes, backend);
}

function unpack(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo[] {
  const axis = util.parseAxisParam((attributes as UnpackAttrs).axis, x.shape)[0] as number;
  const parts = cut(x, axis, new Array(x.shape[axis]).fill(1), backend);
  return parts.map((part) => ({ ...part, shape: part.shape.toSpliced(axis, 1) }));
}

/** Parts of these sizes along an axis. */
function cut(x: TensorInfo, axis: number, sizes: readonly number[], backend: EngineBackend): TensorInfo[] {
  let first = 0;
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === axis ? first : 0));
    first += size;
    return copied(backend, boxAt(x, begin), x.shape.with(axis, size));
  });
}

function reverse(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo {
  const axes = util.parseAxisParam((attributes as ReverseAttrs).dims, x.shape);
  if (x.shape.length === 0) return shared(backend, x);
  const begin = x.shape.map((size, axis) => (axes.includes(axis) ? size - 1 : 0));
  const strides = x.shape.map((_, axis) => (axes.includes(axis) ? -1 : 1));
  return copied(backend, boxAt(x, begin, strides), x.shape);
}

/** An axis and its repetitions are two axes. */
function tile(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo {
  const { reps } = attributes as TileAttrs;
  const sizes = x.shape.flatMap((size, axis) => [reps[axis] as number, size]);
  const steps = stepsOf(x.shape).flatMap((step) => [0, step]);
  const shape = x.shape.map((size, axis) => size * (reps[axis] as number));
  return copied(backend, { tensor: x, start: 0, steps }, sizes, shape);
}

function pad(x: TensorInfo, attributes: unknown, backend: EngineBackend): TensorInfo {
  const { paddings, constantValue } = attributes as PadV2Attrs;
  const shape = x.shape.map((size, axis) => (paddings[axis]?.[0] ?? 0) + size + (paddings[axis]?.[1] ?? 0));
  const y = filled(backend, shape, x.dtype as EngineDataType, constantValue);
  const before = paddings.map(([before]) => before);
  copyBox(backend, x.shape, boxAt(x, []), boxAt(y, before));
  return y;
}

function concat(x: readonly TensorInfo[], given: number, backend: EngineBackend): TensorInfo {
  const [axis] = util.parseAxisParam(given, (x[0] as TensorInfo).shape);
  return join(backend, x, axis as number);
}

function pack(x: readonly TensorInfo[], given: number, backend: EngineBackend): TensorInfo {
  const rank = (x[0] as TensorInfo).shape.length + 1;
  const axis = given < 0 ? given + rank : given;
  const parts = x.map((part) => ({ ...part, shape: part.shape.toSpliced(axis, 0, 1) }));
  return join(backend, parts, axis);
}

/** The tensors one after the other along an axis. */
function join(backend: EngineBackend, x: readonly TensorInfo[], axis: number): TensorInfo {
  const shapes = x.map(({ shape }) => shape);
  backend_util.assertParamsConsistent(shapes, axis);
  const y = backend.output(backend_util.computeOutShape(shapes, axis), (x[0] as TensorInfo).dtype as EngineDataType);
  let first = 0;
  for (const part of x) {
    const begin = part.shape.map((_, i) => (i === axis ? first : 0));
    copyBox(backend, part.shape, boxAt(part, []), boxAt(y, begin));
    first += part.shape[axis] as number;
  }
  return y;
}
