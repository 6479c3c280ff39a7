import { backend_util, type DataType, type TensorInfo, util } from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import type { EngineDataType } from "../memory.ts";
import { boolTypes, commandFor, floatTypes, numberTypes } from "./dtypes.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

type Reduction = readonly [command: string, types: readonly DataType[]];

const reductions: Readonly<Record<string, Reduction>> = {
  All: ["all", boolTypes],
  Any: ["any", boolTypes],
  Max: ["max", numberTypes],
  Mean: ["mean", floatTypes],
  Min: ["min", numberTypes],
  Prod: ["product", floatTypes],
  Sum: ["sum", numberTypes],
};

const positions: Readonly<Record<string, string>> = { ArgMax: "arg_max", ArgMin: "arg_min" };

const scans: Readonly<Record<string, Reduction>> = {
  Cumprod: ["cumulative_product", floatTypes],
  Cumsum: ["cumulative_sum", numberTypes],
};

/** What makes one number of those along some axes, or a running one. */
export const reduceKernels: readonly EngineKernel[] = [
  ...Object.entries(reductions).map(([name, [command, types]]) => kernel(name, types, (call) => reduce(command, call))),
  ...Object.entries(positions).map(([name, command]) => kernel(name, numberTypes, (call) => position(command, call))),
  ...Object.entries(scans).map(([name, [command, types]]) => kernel(name, types, (call) => scan(command, call))),
];

function kernel(name: string, types: readonly DataType[], run: EngineKernel["run"]): EngineKernel {
  return { name, accepts: ({ x }) => types.includes((x as TensorInfo).dtype), run };
}

/** Neighbouring axes go in one command, groups of them one after the other: the last first, which leaves the least. */
function reduce(command: string, { inputs, attributes, backend }: KernelCall): TensorInfo {
  const x = inputs.x as TensorInfo;
  // Max alone calls its axes otherwise.
  const wanted = (attributes.reductionIndices ?? attributes.axis) as number | number[];
  const axes = util.parseAxisParam(wanted, x.shape);
  const [shape] = backend_util.computeOutAndReduceShapes(x.shape, axes);
  let y = x;
  for (const [first, end] of groupsOf(axes, x.shape)) {
    const next = reduceGroup(command, y, first, end, backend);
    if (y !== x) backend.disposeIntermediateTensorInfo(y);
    y = next;
  }
  return { ...y, shape: attributes.keepDims ? backend_util.expandShapeToKeepDim(shape, axes) : shape };
}

/**
 * The axes as ranges [first, end) from the last to the first. Axes of size 1 between two ranges join them. There is
 * always a range, if only an empty one, so that there is always a command.
 */
function groupsOf(axes: readonly number[], shape: readonly number[]): [first: number, end: number][] {
  const groups: [first: number, end: number][] = [];
  for (const axis of [...axes].sort((a, b) => b - a)) {
    const last = groups.at(-1);
    if (last && util.sizeFromShape(shape.slice(axis + 1, last[0])) === 1) last[0] = axis;
    else groups.push([axis, axis + 1]);
  }
  return groups.length > 0 ? groups : [[0, 0]];
}

/** The axes from `first` to `end` become axes of size 1. */
function reduceGroup(command: string, x: TensorInfo, first: number, end: number, backend: EngineBackend): TensorInfo {
  const shape = x.shape.map((size, axis) => (axis < first || axis >= end ? size : 1));
  const y = backend.output(shape, x.dtype as EngineDataType);
  backend.run(commandFor(command, x.dtype), ...sizesAround(x.shape, first, end), x, y);
  return y;
}

function position(command: string, { inputs, attributes, backend }: KernelCall): TensorInfo {
  const x = inputs.x as TensorInfo;
  const axis = util.parseAxisParam(attributes.axis as number, x.shape)[0] as number;
  const y = backend.output(x.shape.toSpliced(axis, 1), "int32");
  backend.run(commandFor(command, x.dtype), ...sizesAround(x.shape, axis, axis + 1), x, y);
  return y;
}

function scan(command: string, { inputs, attributes, backend }: KernelCall): TensorInfo {
  const x = inputs.x as TensorInfo;
  const axis = util.parseAxisParam(attributes.axis as number, x.shape)[0] as number;
  const direction = [Boolean(attributes.exclusive), Boolean(attributes.reverse)];
  const y = backend.output(x.shape, x.dtype as EngineDataType);
  backend.run(commandFor(command, x.dtype), ...sizesAround(x.shape, axis, axis + 1), ...direction, x, y);
  return y;
}

/** How many elements there are before, along and after the axes from `first` to `end`. */
function sizesAround(shape: readonly number[], first: number, end: number): [number, number, number] {
  const size = (from: number, to?: number) => util.sizeFromShape(shape.slice(from, to));
  return [size(0, first), size(first, end), size(end)];
}
