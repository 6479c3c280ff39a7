import type { DataType } from "@tensorflow/tfjs";
import { describe, it } from "vitest";
import { engines } from "../../testing/engines.ts";
import { expectKernelsAsOnCpu } from "../../testing/kernel-calls.ts";
import { boolTypes, floatTypes, numberTypes } from "./dtypes.ts";

const reductions: Readonly<Record<string, readonly DataType[]>> = {
  All: boolTypes,
  Any: boolTypes,
  Mean: floatTypes,
  Prod: floatTypes,
  Sum: numberTypes,
};

const axesOf: readonly (readonly [shape: readonly number[], axes: readonly (number | readonly number[])[]])[] = [
  [[], [[]]],
  [[9], [0, -1, []]],
  [
    [4, 0],
    [0, 1],
  ],
  [
    [2, 3, 4],
    [0, 1, 2, -2, [0, 2], [1, 2], [2, 0, 1], [-1, -3], []],
  ],
  [
    [2, 1, 3, 1, 2, 2],
    [
      [0, 2],
      [1, 4],
      [0, 2, 5],
      [3, 4],
    ],
  ],
  [
    [3, 5001],
    [0, 1, [0, 1]],
  ],
];

describe.each(engines)("on %s", (name) => {
  it.each(Object.entries(reductions))("%s", async (kernel, types) => {
    const calls = types.flatMap((dtype) =>
      axesOf.flatMap(([shape, axes]) =>
        axes.flatMap((axis) =>
          [true, false].map((keepDims) => ({
            kernel,
            inputs: { x: { shape, dtype } },
            attributes: { axis, keepDims },
          })),
        ),
      ),
    );
    // An empty mean is NaN here and 0 on cpu; All and Any of nothing are undefined there.
    const known = calls.filter(({ inputs: { x } }) => kernel === "Sum" || kernel === "Prod" || !x.shape.includes(0));
    await expectKernelsAsOnCpu(name, known);
  });

  it.each(["Max", "Min"])("%s", async (kernel) => {
    const calls = numberTypes.flatMap((dtype) =>
      axesOf.flatMap(([shape, axes]) =>
        axes.map((axis) => ({
          kernel,
          inputs: { x: { shape, dtype } },
          attributes: kernel === "Max" ? { reductionIndices: axis, keepDims: false } : { axis, keepDims: true },
        })),
      ),
    );
    await expectKernelsAsOnCpu(
      name,
      calls.filter(({ inputs: { x } }) => !x.shape.includes(0)),
    );
  });

  it.each(["ArgMax", "ArgMin", "Cumsum", "Cumprod"])("%s", async (kernel) => {
    const types = kernel === "Cumprod" ? floatTypes : numberTypes;
    const calls = types.flatMap((dtype) =>
      [[9], [2, 3, 4], [3, 5001], [2, 1, 3, 1, 2, 2]].flatMap((shape) =>
        shape.flatMap((_, axis) =>
          [0, 1, 2, 3].map((bits) => ({
            kernel,
            inputs: { x: { shape, dtype } },
            attributes: { axis, exclusive: (bits & 1) > 0, reverse: (bits & 2) > 0 },
          })),
        ),
      ),
    );
    await expectKernelsAsOnCpu(name, calls);
  });
});
