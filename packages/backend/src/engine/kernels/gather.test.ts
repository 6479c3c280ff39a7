import { describe, expect, it } from "vitest";
import { engines } from "../../testing/engines.ts";
import { expectKernelsAsOnCpu, run, valuesOf } from "../../testing/kernel-calls.ts";
import { useBackend } from "../../use-backend.ts";
import { allTypes, numberTypes } from "./dtypes.ts";

describe.each(engines)("on %s", (name) => {
  it("GatherV2", async () => {
    const call = (
      shape: readonly number[],
      indices: readonly number[],
      values: readonly number[],
      attributes: object,
    ) =>
      allTypes.map((dtype) => {
        const inputs = { x: { shape, dtype }, indices: { shape: indices, dtype: "int32" as const, values } };
        return { kernel: "GatherV2", inputs, attributes };
      });
    await expectKernelsAsOnCpu(name, [
      ...call([4], [], [2], { axis: 0, batchDims: 0 }),
      ...call([4, 3], [5], [2, 0, 3, 2, 1], { axis: 0, batchDims: 0 }),
      ...call([4, 3], [2, 2], [2, 0, 1, 1], { axis: -1, batchDims: 0 }),
      ...call([2, 4, 3], [0], [], { axis: 1, batchDims: 0 }),
      ...call([2, 4, 3], [2, 2], [3, 0, 2, 2], { axis: 1, batchDims: 1 }),
      ...call([2, 3, 4, 2], [2, 1], [3, 0], { axis: 2, batchDims: 1 }),
    ]);
  });

  it("OneHot, UnsortedSegmentSum, ScatterNd", async () => {
    const ids = { shape: [5], dtype: "int32", values: [2, 0, -1, 7, 2] } as const;
    const oneHots = allTypes.map((dtype) => {
      const attributes = { depth: 3, onValue: 1, offValue: 0, dtype };
      return { kernel: "OneHot", inputs: { indices: ids }, attributes };
    });
    const sums = [[5], [5, 3], [5, 2, 300]].map((shape) => {
      const x = { shape, dtype: "float32" as const, values: valuesOf({ shape, dtype: "int32" }) };
      return { kernel: "UnsortedSegmentSum", inputs: { x, segmentIds: ids }, attributes: { numSegments: 4 } };
    });
    const scatters = numberTypes.map((dtype) => {
      const indices = { shape: [4, 2], dtype: "int32", values: [1, 2, 0, 1, 1, 2, 2, 0] } as const;
      const inputs = { indices, updates: { shape: [4, 3], dtype } };
      return { kernel: "ScatterNd", inputs, attributes: { shape: [3, 4, 3] } };
    });
    await expectKernelsAsOnCpu(name, [...oneHots, ...sums, ...scatters]);
  });

  it("UnsortedSegmentSum of integers is integers, which it is not on cpu", async () => {
    await useBackend(name);
    const x = { shape: [3, 2], dtype: "int32", values: [1, 2, 3, 4, 5, 6] } as const;
    const segmentIds = { shape: [3], dtype: "int32", values: [1, 0, 1] } as const;
    const [y] = run({ kernel: "UnsortedSegmentSum", inputs: { x, segmentIds }, attributes: { numSegments: 2 } });
    expect(y).toEqual({ type: "int32", shape: [2, 2], values: [3, 4, 6, 8] });
  });
});
