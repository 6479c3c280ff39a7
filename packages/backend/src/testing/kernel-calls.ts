import {
  backend,
  type DataType,
  engine,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
  tensor,
  tidy,
} from "@tensorflow/tfjs";
import { expect, vi } from "vitest";
import type { EngineBackend } from "../engine/backend.ts";
import { useBackend } from "../use-backend.ts";
import { expectClose } from "./close.ts";
import type { Numbers } from "./on-backend.ts";

/** A kernel and what it is called with. The inputs are made again on each backend. */
export interface Call {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, Input>> | readonly Input[];
  readonly attributes?: object;
}

/** A tensor, of awkward numbers unless it says which. */
export interface Input {
  readonly shape: readonly number[];
  readonly dtype: DataType;
  readonly phase?: number;
  readonly values?: readonly number[];
}

/** What a kernel returns. */
export type Result = Numbers & { readonly type: DataType };

const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 0.5, 2.5, -1.5];

/** Numbers from −4 to 4, among them the special ones; whole numbers; bits. */
export function valuesOf({ shape, dtype, phase = 0, values }: Input): readonly number[] {
  if (values) return values;
  const size = shape.reduce((product, axis) => product * axis, 1);
  const wave = (i: number) => Math.sin(1.7 * i + phase);
  const float = (i: number) => {
    const at = i + Math.round(phase * 3);
    return at % 7 === 2 ? (special[Math.floor(at / 7) % special.length] as number) : 4 * wave(i);
  };
  const number = { float32: float, int32: (i: number) => Math.round(4 * wave(i)), bool: (i: number) => +(wave(i) > 0) };
  return Array.from({ length: size }, (_, i) => number[dtype as keyof typeof number](i));
}

function make(input: Input): Tensor {
  return tensor([...valuesOf(input)], [...input.shape], input.dtype);
}

/** All results of a kernel on the current backend. */
export function run({ kernel, inputs, attributes = {} }: Call): Result[] {
  return tidy(() => {
    const named = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, make(input)]));
    const tensors = Array.isArray(inputs) ? inputs.map(make) : named;
    const y: Tensor | Tensor[] = engine().runKernel(kernel, tensors as NamedTensorMap, attributes as NamedAttrMap);
    return [y].flat().map((y) => ({ type: y.dtype, shape: y.shape, values: [...y.dataSync()] }));
  });
}

/** Expects that the engine itself computes what cpu computes. */
export async function expectKernelsAsOnCpu(name: "tessera" | "tessera-wasm", calls: readonly Call[]): Promise<void> {
  await useBackend("cpu");
  const expected = calls.map(run);
  await useBackend(name);
  const commands = vi.spyOn(backend() as EngineBackend, "run");
  for (const [i, call] of calls.entries()) {
    const described = JSON.stringify(call);
    commands.mockClear();
    const actual = run(call);
    expect(commands, described).toHaveBeenCalled();
    expect(actual.length, described).toBe(expected[i]?.length);
    for (const [j, { type, ...numbers }] of actual.entries()) {
      const wanted = expected[i]?.[j] as Result;
      expect(type, described).toBe(wanted.type);
      expectClose(numbers, wanted, 2e-6);
    }
  }
  commands.mockRestore();
}
