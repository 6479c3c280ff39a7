import { grads, ones, setBackend, type Tensor, tensor, tidy } from "@tensorflow/tfjs";
import { useBackend } from "../use-backend.ts";

/** A tensor's numbers, to be made again on each backend. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype?: "float32" | "int32";
}

/** The same on each backend. */
export type OnBoth = Record<"wasm" | "cpu", Numbers>;

export const tensorOf = ({ values, shape, dtype }: Numbers): Tensor => tensor([...values], [...shape], dtype);

/** Numbers without pattern or symmetry, about −1 to 1; `phase` makes another list. */
export function ramp(shape: readonly number[], phase = 0): Numbers {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return { shape, values: Array.from({ length: size }, (_, i) => Math.fround(Math.sin(1.7 * i + phase))) };
}

/** The shape and numbers of what `f` computes, on the wasm and on the cpu backend. */
export async function onBoth(f: () => Tensor): Promise<OnBoth> {
  return { wasm: await on("wasm", f), cpu: await on("cpu", f) };
}

/** Σ dy · f(…) by each input, all in one list, where dy is a ramp of f's shape. */
export function gradientsOnBoth(f: (...inputs: Tensor[]) => Tensor, inputs: readonly Numbers[]): Promise<OnBoth> {
  const flat = (): Tensor => {
    const tensors = inputs.map(tensorOf);
    const value = f(...tensors);
    const dy = value.shape.length === 0 ? ones([]) : tensorOf(ramp(value.shape, 0.5));
    const gradients = grads(f)(tensors, dy);
    return gradients.map((gradient) => gradient.flatten()).reduce((all, next) => all.concat(next));
  };
  return onBoth(flat);
}

async function on(name: "wasm" | "cpu", f: () => Tensor): Promise<Numbers> {
  if (name === "wasm") await useBackend("wasm");
  else await setBackend("cpu");
  const result = tidy(f);
  const numbers = { shape: result.shape, values: [...(await result.data())] };
  result.dispose();
  return numbers;
}
