import { readFileSync } from "node:fs";
import "@tensorflow/tfjs-backend-wasm";
import { engine, grads, memory, setBackend, type Tensor, tensor, tidy } from "@tensorflow/tfjs";
import { expect, vi } from "vitest";
import * as ops from "./index.ts";

/** A tensor as the fixture writes it. */
export interface Numbers {
  shape: number[];
  dtype: "float32" | "int32";
  values: number[];
}

/** One operation with inputs, and what PyTorch computed for it. */
export interface Case {
  operation: string;
  name: string;
  inputs: Record<string, Numbers>;
  options: Record<string, unknown>;
  value: Numbers;
  dy: Numbers;
  gradients: Record<string, Numbers>;
}

interface AdamwRecord {
  options: { learningRate: number; beta1: number; beta2: number; epsilon: number; weightDecays: number[] };
  gradientScale: number;
  initial: Numbers[];
  steps: Record<"gradients" | "parameters" | "firstMoments" | "secondMoments", Numbers[]>[];
}

/** Everything in fixtures/ops.json. */
export const fixture: {
  cases: Case[];
  adamw: AdamwRecord;
  globalNorm: { tensors: Numbers[]; norm: number };
  foldIn: [seed: number, data: number, result: number][];
} = JSON.parse(readFileSync(new URL("./fixtures/ops.json", import.meta.url), "utf8"));

/** The TensorFlow.js backends on which the portable compositions are tested. */
export const backends: string[] = ["cpu", "wasm"];

export async function use(backend: string): Promise<void> {
  if (!(await setBackend(backend))) throw new Error(`the ${backend} backend did not start`);
}

export function tensorOf({ values, shape, dtype }: Numbers): Tensor {
  return tensor(values, shape, dtype);
}

/** The case's operation as a function of its tensors, in the order of the fixture. */
export function operationOf({ operation, inputs, options }: Case): (...tensors: Tensor[]) => Tensor {
  const functions = ops as unknown as Record<string, (...parameters: unknown[]) => Tensor>;
  const run = functions[operation] as (...parameters: unknown[]) => Tensor;
  const { epsilon, approximation } = options;
  if (operation === "layerNorm") return (x, scale, shift) => run(x, scale, shift, epsilon);
  if (operation === "gelu") return (x) => run(x, approximation);
  const last = epsilon ?? (Object.keys(options).length > 0 ? options : undefined);
  return (...tensors) => run(...tensors.slice(0, Object.keys(inputs).length), ...(last === undefined ? [] : [last]));
}

/** Value and gradients of a case's operation on given inputs; integer inputs are closed over. */
export function valueAndGradients(
  test: Case,
  inputs: Record<string, Numbers> = test.inputs,
): { value: Float32Array; gradients: Record<string, Float32Array> } {
  return tidy(() => {
    const run = operationOf(test);
    const names = Object.keys(inputs);
    const tensors = Object.values(inputs).map(tensorOf);
    const floats = names.filter((name) => inputs[name]?.dtype === "float32");
    const value = run(...tensors).dataSync() as Float32Array;
    const f = (...xs: Tensor[]) => run(...names.map((name, i) => xs[floats.indexOf(name)] ?? (tensors[i] as Tensor)));
    const found = grads(f)(
      tensors.filter((_, i) => floats.includes(names[i] as string)),
      tensorOf(test.dy),
    );
    return {
      value: value.slice(),
      gradients: Object.fromEntries(
        floats.map((name, i) => [name, (found[i] as Tensor).dataSync().slice() as Float32Array]),
      ),
    };
  });
}

/** Fails unless each number is within `relative` of the expected one, or of the largest expected one times 10⁻¹. */
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, relative = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    const allowed = relative * Math.max(Math.abs(e), 0.1 * largest, 1e-3);
    if (!(Math.abs(a - e) <= allowed)) expect.fail(`element ${i} is ${a}, expected ${e} ± ${allowed}`);
  }
}

/** Fails if a function leaves tensors or buffers behind. Runs it once before counting, for what is made only once. */
export function expectNoLeak(run: () => void): void {
  run();
  const before = memory();
  run();
  const after = memory();
  expect([after.numTensors, after.numDataBuffers]).toEqual([before.numTensors, before.numDataBuffers]);
}

/** What one run of a function needs at most, seen after each of its kernels. */
export type Usage = {
  /** Buffers beyond those that were there before. */
  dataBuffers: number;
  /** Bytes beyond those that were there before; clones count, too. */
  bytes: number;
  /** Numbers in the largest output of a kernel. */
  largestOutput: number;
};

/** Runs a function and measures it. */
export function usageOf(run: () => void): Usage {
  const before = memory();
  const usage: Usage = { dataBuffers: 0, bytes: 0, largestOutput: 0 };
  const runKernel = engine().runKernel.bind(engine());
  const spy = vi.spyOn(engine(), "runKernel").mockImplementation((...call) => {
    const result: Tensor | Tensor[] = runKernel(...call);
    const { numDataBuffers, numBytes } = memory();
    usage.dataBuffers = Math.max(usage.dataBuffers, numDataBuffers - before.numDataBuffers);
    usage.bytes = Math.max(usage.bytes, numBytes - before.numBytes);
    usage.largestOutput = Math.max(usage.largestOutput, ...[result].flat().map((tensor) => tensor.size));
    return result as never;
  });
  try {
    run();
  } finally {
    spy.mockRestore();
  }
  return usage;
}
