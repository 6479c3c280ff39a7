import {
  backend_util,
  type GatherV2Attrs,
  type OneHotAttrs,
  type ScatterNdAttrs,
  type TensorInfo,
  type UnsortedSegmentSumAttrs,
  util,
} from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import { type EngineDataType, isEngineType } from "../memory.ts";
import { commandFor, moveCommandFor, numberTypes } from "./dtypes.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

/** What finds its elements by index. */
export const gatherKernels: readonly EngineKernel[] = [
  {
    name: "GatherV2",
    accepts: ({ x, indices }) => isEngineType((x as TensorInfo).dtype) && indices?.dtype === "int32",
    run: gather,
  },
  {
    name: "OneHot",
    accepts: ({ indices }, { dtype }) => indices?.dtype === "int32" && isEngineType(dtype as EngineDataType),
    run: oneHot,
  },
  {
    name: "UnsortedSegmentSum",
    accepts: ({ x, segmentIds }) =>
      numberTypes.includes((x as TensorInfo).dtype) && segmentIds?.dtype === "int32" && segmentIds.shape.length === 1,
    run: segmentSum,
  },
  {
    name: "ScatterNd",
    accepts: ({ indices, updates }) =>
      numberTypes.includes((updates as TensorInfo).dtype) && indices?.dtype === "int32",
    run: scatter,
  },
];

function gather({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const { x, indices } = inputs as Record<"x" | "indices", TensorInfo>;
  const { axis, batchDims } = attributes as unknown as GatherV2Attrs;
  const parsed = util.parseAxisParam(axis, x.shape)[0] as number;
  checkIndices(backend, indices, x.shape[parsed] as number);
  const info = backend_util.segment_util.collectGatherOpShapeInfo(x, indices, parsed, batchDims ?? 0);
  const y = backend.output(info.outputShape, x.dtype as EngineDataType);
  const sizes = [info.batchSize, info.outerSize, info.dimSize, info.sliceSize];
  backend.run(moveCommandFor("gather", x.dtype), ...sizes, x, indices, y);
  return y;
}

/**
 * At once, as on the other backends, where the engine would say so when a result is asked for. Little is lost: indices
 * stand at the beginning of what a program computes.
 */
function checkIndices(backend: EngineBackend, indices: TensorInfo, size: number): void {
  for (const index of backend.data.get(indices.dataId).values as Int32Array) {
    const message = () => `GatherV2: the index value ${index} is not in [0, ${size - 1}]`;
    util.assert(index >= 0 && index < size, message);
  }
}

function oneHot({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const indices = inputs.indices as TensorInfo;
  const { depth, onValue, offValue, dtype } = attributes as unknown as OneHotAttrs;
  const y = backend.output([...indices.shape, depth], dtype as EngineDataType);
  backend.run(commandFor("one_hot", dtype), depth, onValue, offValue, indices, y);
  return y;
}

function segmentSum({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const { x, segmentIds } = inputs as Record<"x" | "segmentIds", TensorInfo>;
  const { numSegments } = attributes as unknown as UnsortedSegmentSumAttrs;
  const [rows, ...row] = x.shape;
  util.assert(
    segmentIds.shape[0] === rows,
    () => `UnsortedSegmentSum: ${segmentIds.shape[0]} ids for ${rows} rows of x`,
  );
  const y = backend.output([numSegments, ...row], x.dtype as EngineDataType);
  backend.run(commandFor("segment_sum", x.dtype), util.sizeFromShape(row), x, segmentIds, y);
  return y;
}

function scatter({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const { indices, updates } = inputs as Record<"indices" | "updates", TensorInfo>;
  const { shape } = attributes as unknown as ScatterNdAttrs;
  const { sliceRank, sliceSize } = backend_util.calculateShapes(updates, indices, shape);
  const y = backend.output(shape, updates.dtype as EngineDataType);
  const indexed = shape.slice(0, sliceRank);
  backend.run(commandFor("scatter_sum", updates.dtype), sliceSize, indexed, updates, indices, y);
  return y;
}
