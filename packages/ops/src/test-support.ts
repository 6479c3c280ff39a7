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
  if ("bias" in inputs && operation === "attention") return (q, k, v, bias) => run(q, k, v, { ...options, bias });
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

/** What one run of a function needs at most, beyond what was there before. */
export type Usage = {
  dataBuffers: number;
  /** Bytes of those buffers; clones share theirs. */
  bytes: number;
  /** Numbers in the largest output of a kernel. */
  largestOutput: number;
};

/** Runs a function and measures it. */
export function usageOf(run: () => void): Usage {
  const usage: Usage = { dataBuffers: 0, bytes: 0, largestOutput: 0 };
  const { state } = engine();
  const known = state.tensorInfo;
  const buffers = new CountedBuffers(usage, known);
  const runKernel = engine().runKernel.bind(engine());
  const spy = vi.spyOn(engine(), "runKernel").mockImplementation((...call) => {
    const result: Tensor | Tensor[] = runKernel(...call);
    usage.largestOutput = Math.max(usage.largestOutput, ...[result].flat().map((tensor) => tensor.size));
    return result as never;
  });
  state.tensorInfo = buffers;
  try {
    run();
  } finally {
    state.tensorInfo = known;
    spy.mockRestore();
  }
  return usage;
}

type Buffers = ReturnType<typeof engine>["state"]["tensorInfo"];
type BufferInfo = NonNullable<ReturnType<Buffers["get"]>>;

/** The engine's list of buffers, which sees each of them come and go. */
class CountedBuffers extends WeakMap<object, BufferInfo> implements Buffers {
  readonly #usage: Usage;
  readonly #known: Buffers;
  #count = 0;
  #bytes = 0;

  constructor(usage: Usage, known: Buffers) {
    super();
    this.#usage = usage;
    this.#known = known;
  }

  override has(id: object): boolean {
    return this.#known.has(id);
  }

  override get(id: object): BufferInfo | undefined {
    return this.#known.get(id);
  }

  override set(id: object, info: BufferInfo): this {
    this.#change(1, info.bytes);
    this.#known.set(id, info);
    return this;
  }

  override delete(id: object): boolean {
    this.#change(-1, -(this.get(id)?.bytes ?? 0));
    return this.#known.delete(id);
  }

  #change(count: number, bytes: number): void {
    this.#count += count;
    this.#bytes += bytes;
    this.#usage.dataBuffers = Math.max(this.#usage.dataBuffers, this.#count);
    this.#usage.bytes = Math.max(this.#usage.bytes, this.#bytes);
  }
}
