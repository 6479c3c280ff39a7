import { backend, type DataType, engine, type NamedAttrMap, type Tensor, tidy, zeros } from "@tensorflow/tfjs";
import { describe, expect, it, vi } from "vitest";
import { KernelInputError } from "../../errors.ts";
import { engines } from "../../testing/engines.ts";
import { gradientsOf, tensorOf } from "../../testing/on-backend.ts";
import { differentiableCases, otherCases } from "../../testing/ops-cases.ts";
import { useBackend } from "../../use-backend.ts";
import type { EngineBackend } from "../backend.ts";
import { expects } from "./expects.ts";
import { engineKernels } from "./index.ts";
import type { KernelCall } from "./kernel.ts";

const call = (inputs: Record<string, [dtype: "float32" | "int32", shape: number[]]>): KernelCall => {
  const infos = Object.entries(inputs).map(([name, [dtype, shape]]) => [name, { dataId: {}, dtype, shape }]);
  return { inputs: Object.fromEntries(infos), attributes: {}, backend: undefined as unknown as EngineBackend };
};

describe("expects", () => {
  const check = expects({
    x: "float32 (…, I)",
    weight: "float32 (I, O)",
    "bias?": "float32 (O)",
    rows: "int32 (N, 1)",
  });
  const rows = ["int32", [6, 1]] as ["int32", number[]];

  it("accepts what fits, with or without what is optional", () => {
    check("Kernel", call({ x: ["float32", [2, 3, 4]], weight: ["float32", [4, 5]], bias: ["float32", [5]], rows }));
    check("Kernel", call({ x: ["float32", [6, 4]], weight: ["float32", [4, 5]], rows }));
  });

  it.each([
    [{ weight: ["float32", [4, 5]] }, "Kernel: x must be float32 (…, I), but is missing"],
    [{ x: ["int32", [6, 4]] }, "Kernel: x must be float32 (…, I), but is int32 (6, 4)"],
    [{ x: ["float32", []] }, "Kernel: x must be float32 (…, I), but is float32 ()"],
    [
      { x: ["float32", [6, 4]], weight: ["float32", [5, 4]] },
      "Kernel: weight must be float32 (I, O) where I = 4, but is float32 (5, 4)",
    ],
    [
      { x: ["float32", [6, 4]], weight: ["float32", [4, 5]], bias: ["float32", [1, 5]] },
      "Kernel: bias must be float32 (O) where O = 5, but is float32 (1, 5)",
    ],
    [
      { x: ["float32", [2, 2, 4]], weight: ["float32", [4, 5]], rows },
      "Kernel: rows must be int32 (N, 1) where N = 4, but is int32 (6, 1)",
    ],
  ] as const)("says what does not fit: %j", (inputs, message) => {
    expect(() => check("Kernel", call(inputs as never))).toThrow(
      expect.objectContaining({ name: "KernelInputError", message }),
    );
  });
});

describe("a kernel of ours", () => {
  it("has a check", () => {
    const unchecked = engineKernels.filter(({ name, check }) => name.startsWith("Tessera") && !check);
    expect(unchecked.map(({ name }) => name)).toEqual([]);
  });
});

describe.each(engines)("every kernel of %s that operations call", (name) => {
  it("refuses inputs of another type before anything is queued", async () => {
    await useBackend(name);
    for (const call of recordCalls()) {
      for (const [input, { dtype, shape }] of Object.entries(call.inputs)) {
        const other = { shape, dtype: dtype === "float32" ? "bool" : "float32" } as const;
        expect(outcome(call, input, other), `${call.kernel} with another ${input}`).toBe("refused");
      }
    }
  });

  it("refuses inputs of another shape before anything is queued, or can compute with them", async () => {
    await useBackend(name);
    const outcomes = recordCalls().flatMap((call) =>
      Object.entries(call.inputs).flatMap(([input, { dtype, shape }]) =>
        otherShapes(shape).map((other) => outcome(call, input, { dtype, shape: other })),
      ),
    );
    expect(new Set(outcomes)).toEqual(new Set(["refused", "computed"]));
  });
});

interface Like {
  readonly dtype: DataType;
  readonly shape: readonly number[];
}

/** A kernel that was called, and with what. */
interface Call {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, Like>>;
  readonly attributes: NamedAttrMap;
}

/** Our kernels that operations and their gradients call, each once for each number of inputs. */
function recordCalls(): readonly Call[] {
  const spy = vi.spyOn(engine(), "runKernel");
  const small = differentiableCases.filter(({ inputs }) => inputs.every(({ values }) => values.length < 1000));
  for (const { inputs, run } of small) void tidy(gradientsOf(run, inputs));
  for (const { inputs, run } of otherCases) void tidy(() => run(...inputs.map(tensorOf)));
  const calls = new Map<string, Call>();
  for (const [kernel, inputs, attributes = {}] of spy.mock.calls) {
    const likes = Object.entries(inputs).map(([input, { dtype, shape }]) => [input, { dtype, shape }] as const);
    const known = calls.has(`${kernel} ${likes.length}`) || !kernel.startsWith("Tessera");
    if (!known) calls.set(`${kernel} ${likes.length}`, { kernel, inputs: Object.fromEntries(likes), attributes });
  }
  spy.mockRestore();
  expect(calls.size).toBeGreaterThan(10);
  return [...calls.values()];
}

/** What becomes of a call with another tensor as one of its inputs. */
function outcome({ kernel, inputs, attributes }: Call, input: string, other: Like): "refused" | "computed" {
  const queued = vi.spyOn(backend() as EngineBackend, "run");
  const tensors = () => Object.entries({ ...inputs, [input]: other }).map(([name, like]) => [name, zerosLike(like)]);
  try {
    tidy(() => {
      const results: Tensor | Tensor[] = engine().runKernel(kernel, Object.fromEntries(tensors()), attributes);
      for (const result of [results].flat()) result.dataSync();
    });
    return "computed";
  } catch (error) {
    if (!(error instanceof KernelInputError)) throw error;
    expect(queued).not.toHaveBeenCalled();
    return "refused";
  } finally {
    queued.mockRestore();
  }
}

const zerosLike = ({ shape, dtype }: Like): Tensor => zeros([...shape], dtype as "float32");

/** The same with one more of each axis, with one more axis on each side, and flat. */
function otherShapes(shape: readonly number[]): number[][] {
  const longer = shape.map((_, axis) => shape.map((size, i) => (i === axis ? size + 1 : size)));
  const flat = [shape.reduce((product, size) => product * size, 1)];
  return [...longer, [1, ...shape], [...shape, 2], flat];
}
