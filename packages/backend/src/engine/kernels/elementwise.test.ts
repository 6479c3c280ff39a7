import type { DataType } from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { engines } from "../../testing/engines.ts";
import { expectKernelsAsOnCpu, run } from "../../testing/kernel-calls.ts";
import { useBackend } from "../../use-backend.ts";
import { allTypes, boolTypes, floatTypes, numberTypes } from "./dtypes.ts";

const shapes = [[], [0], [1], [3, 0, 2], [17], [2, 3, 4], [2, 1, 3, 2, 2, 3], [9001]];

const unary: Readonly<Record<string, readonly DataType[]>> = {
  Abs: numberTypes,
  Acos: floatTypes,
  Acosh: floatTypes,
  Asin: floatTypes,
  Asinh: floatTypes,
  Atan: floatTypes,
  Atanh: floatTypes,
  Ceil: floatTypes,
  Cos: floatTypes,
  Cosh: floatTypes,
  Elu: floatTypes,
  Erf: floatTypes,
  Exp: floatTypes,
  Expm1: floatTypes,
  Floor: floatTypes,
  IsFinite: floatTypes,
  IsInf: floatTypes,
  IsNan: floatTypes,
  Log: floatTypes,
  Log1p: floatTypes,
  LogicalNot: boolTypes,
  Neg: numberTypes,
  OnesLike: allTypes,
  Reciprocal: floatTypes,
  Relu: numberTypes,
  Relu6: numberTypes,
  Round: floatTypes,
  Rsqrt: floatTypes,
  Selu: floatTypes,
  Sigmoid: floatTypes,
  Sign: numberTypes,
  Sin: floatTypes,
  Sinh: floatTypes,
  Softplus: floatTypes,
  Sqrt: floatTypes,
  Square: numberTypes,
  Tan: floatTypes,
  Tanh: floatTypes,
  ZerosLike: allTypes,
};

const binary: Readonly<Record<string, readonly DataType[]>> = {
  Add: numberTypes,
  Atan2: floatTypes,
  Equal: allTypes,
  FloorDiv: numberTypes,
  Greater: numberTypes,
  GreaterEqual: numberTypes,
  Less: numberTypes,
  LessEqual: numberTypes,
  LogicalAnd: boolTypes,
  LogicalOr: boolTypes,
  Maximum: numberTypes,
  Minimum: numberTypes,
  Mod: numberTypes,
  Multiply: numberTypes,
  NotEqual: allTypes,
  Pow: numberTypes,
  RealDiv: floatTypes,
  SquaredDifference: numberTypes,
  Sub: numberTypes,
};

const pairs = [
  [[], []],
  [[0], [1]],
  [[3, 0, 2], [2]],
  [[7], []],
  [[], [5]],
  [[2, 3, 4], [4]],
  [
    [3, 1],
    [2, 3, 5],
  ],
  [
    [2, 1, 4, 1],
    [3, 1, 5],
  ],
  [
    [2, 3, 1, 2, 1, 2],
    [1, 3, 4, 1, 3, 2],
  ],
  [
    [30, 301],
    [30, 301],
  ],
] as const;

describe.each(engines)("on %s", (name) => {
  it.each(Object.entries(unary))("%s", async (kernel, types) => {
    const inputs = types.flatMap((dtype) => shapes.map((shape) => ({ x: { shape, dtype } })));
    await expectKernelsAsOnCpu(
      name,
      inputs.map((inputs) => ({ kernel, inputs })),
    );
  });

  it.each([
    ["ClipByValue", { clipValueMin: -1.5, clipValueMax: 2.5 }, numberTypes],
    ["LeakyRelu", { alpha: 0.25 }, floatTypes],
    ["Step", { alpha: 0.25 }, floatTypes],
  ] as const)("%s", async (kernel, attributes, types) => {
    const inputs = types.flatMap((dtype) => shapes.map((shape) => ({ x: { shape, dtype } })));
    await expectKernelsAsOnCpu(
      name,
      inputs.map((inputs) => ({ kernel, inputs, attributes })),
    );
  });

  it.each(Object.entries(binary))("%s", async (kernel, types) => {
    const inputs = types.flatMap((dtype) =>
      pairs.flatMap(([a, b]) => [
        { a: { shape: a, dtype }, b: { shape: b, dtype, phase: 1 } },
        { a: { shape: b, dtype }, b: { shape: a, dtype, phase: 1 } },
      ]),
    );
    await expectKernelsAsOnCpu(
      name,
      inputs.map((inputs) => ({ kernel, inputs })),
    );
  });

  it("large integers wrap as in JavaScript", async () => {
    const large = [2 ** 31 - 1, -(2 ** 31), 65_537, -3, 46_341, 0];
    const inputs = {
      a: { shape: [6, 1], dtype: "int32", values: large },
      b: { shape: [6], dtype: "int32", values: large },
    } as const;
    const kernels = ["Add", "Sub", "Multiply", "SquaredDifference", "FloorDiv", "Mod", "Pow"];
    await expectKernelsAsOnCpu(
      name,
      kernels.map((kernel) => ({ kernel, inputs })),
    );
    const x = inputs.b;
    // Abs and Square go through single precision on cpu.
    const unary = ["Neg", "Sign"].map((kernel) => ({ kernel, inputs: { x } }));
    await expectKernelsAsOnCpu(name, [...unary, { kernel: "Sum", inputs: { x }, attributes: { axis: 0 } }]);
  });

  it("Prelu and EluGrad", async () => {
    const call = (kernel: string, [a, b]: readonly [string, string], shape: readonly number[]) => {
      const inputs = {
        [a]: { shape: [2, 3, 4], dtype: "float32" as const },
        [b]: { shape, dtype: "float32" as const, phase: 1 },
      };
      return { kernel, inputs };
    };
    await expectKernelsAsOnCpu(name, [
      call("Prelu", ["x", "alpha"], [4]),
      call("Prelu", ["x", "alpha"], [2, 3, 4]),
      call("EluGrad", ["dy", "y"], [2, 3, 4]),
    ]);
  });

  it("Cast", async () => {
    const values = [1.9, -1.9, 3e9, -3e9, 1e20, Number.NaN, Number.POSITIVE_INFINITY, 0, -0];
    const x = { shape: [9], dtype: "float32" as const, values };
    const ways = [
      ["float32", "int32"],
      ["float32", "bool"],
      ["int32", "bool"],
    ] as const;
    const others = ways.flatMap(([from, dtype]) =>
      shapes.map((shape) => ({ kernel: "Cast", inputs: { x: { shape, dtype: from } }, attributes: { dtype } })),
    );
    await expectKernelsAsOnCpu(name, [...others, { kernel: "Cast", inputs: { x }, attributes: { dtype: "int32" } }]);
  });

  it("Cast to a wider type", async () => {
    for (const dtype of ["int32", "bool"] as const) {
      await useBackend(name);
      const x = { shape: [3], dtype, values: [1, 0, 1] };
      const [y] = run({ kernel: "Cast", inputs: { x }, attributes: { dtype: "float32" } });
      expect(y).toEqual({ type: "float32", shape: [3], values: [1, 0, 1] });
    }
  });

  it("Select and Fill", async () => {
    const selects = allTypes.flatMap((dtype) =>
      shapes.map((shape) => {
        const inputs = {
          condition: { shape, dtype: "bool" },
          t: { shape, dtype },
          e: { shape, dtype, phase: 1 },
        } as const;
        return { kernel: "Select", inputs };
      }),
    );
    const fills = shapes.flatMap((shape) => [
      { kernel: "Fill", inputs: {}, attributes: { shape, value: -2.5, dtype: "float32" } },
      { kernel: "Fill", inputs: {}, attributes: { shape, value: -2.5, dtype: "int32" } },
      { kernel: "Fill", inputs: {}, attributes: { shape, value: 1, dtype: "bool" } },
      { kernel: "Fill", inputs: {}, attributes: { shape, value: 7 } },
    ]);
    await expectKernelsAsOnCpu(name, [...selects, ...fills]);
  });
});
