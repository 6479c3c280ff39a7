import { existsSync } from "node:fs";
import { env, grads, ones, type Tensor, tensor, tidy } from "@tensorflow/tfjs";
import { BackendUnavailableError } from "../errors.ts";
import { type BackendName, backendNames, useBackend } from "../use-backend.ts";
import { expectClose } from "./close.ts";
import { hasAddon } from "./engines.ts";

/** A tensor's numbers, to be made again on each backend. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype?: "float32" | "int32";
}

export const tensorOf = ({ values, shape, dtype }: Numbers): Tensor => tensor([...values], [...shape], dtype);

/** Numbers without pattern or symmetry, about −1 to 1; `phase` makes another list. */
export function ramp(shape: readonly number[], phase = 0): Numbers {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return { shape, values: Array.from({ length: size }, (_, i) => Math.fround(Math.sin(1.7 * i + phase))) };
}

/** The backends that are to be compared with cpu: ours always, others where they are installed. */
export async function comparedBackends(): Promise<BackendName[]> {
  const compared: BackendName[] = [];
  for (const name of backendNames) if (name !== "cpu" && (await isPresent(name))) compared.push(name);
  return compared;
}

/** The shape and numbers of what `f` computes on a backend. */
export async function on(name: BackendName, f: () => Tensor): Promise<Numbers> {
  await useBackend(name);
  const result = tidy(f);
  const numbers = { shape: result.shape, values: [...(await result.data())] };
  result.dispose();
  return numbers;
}

/** Expects that a backend computes what cpu computes. */
export async function expectAsOnCpu(name: BackendName, f: () => Tensor, tolerance?: number): Promise<void> {
  expectClose(await on(name, f), await on("cpu", f), tolerance);
}

/** Σ dy · f(…) by each input, all in one list, where dy is a ramp of f's shape. */
export function gradientsOf(f: (...inputs: Tensor[]) => Tensor, inputs: readonly Numbers[]): () => Tensor {
  return () => {
    const tensors = inputs.map(tensorOf);
    const value = f(...tensors);
    const dy = value.shape.length === 0 ? ones([]) : tensorOf(ramp(value.shape, 0.5));
    const gradients = grads(f)(tensors, dy);
    return gradients.map((gradient) => gradient.flatten()).reduce((all, next) => all.concat(next));
  };
}

const optional: readonly BackendName[] = ["tensorflow", "webgpu"];

/** Chromium's graphics processor in software, for machines without one. */
const swiftShader = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (existsSync(swiftShader)) process.env.VK_ICD_FILENAMES ??= swiftShader;

/** Whether a backend runs here. */
export async function isPresent(name: BackendName): Promise<boolean> {
  if (name === "tessera") return hasAddon;
  try {
    await useBackend(name);
    // Otherwise small tensors are computed in JavaScript.
    if (name === "webgpu") env().set("WEBGPU_CPU_FORWARD", false);
    return true;
  } catch (error) {
    if (error instanceof BackendUnavailableError && optional.includes(name)) return false;
    throw error;
  }
}
