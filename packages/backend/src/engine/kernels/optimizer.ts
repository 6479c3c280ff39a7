import type { DataId, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import { expects } from "./expects.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";

interface AdamwAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly step: number;
  readonly weightDecays: readonly number[];
}

/** Rewrites parameters and moments where they are, if nothing else needs what was there. */
function adamwStep({ inputs, attributes, backend }: KernelCall): TensorInfo[] {
  const { learningRate, beta1, beta2, epsilon, step, weightDecays } = attributes as unknown as AdamwAttributes;
  const updated: TensorInfo[] = [];
  const repeated = sharedMemory(inputs);
  const tensors = weightDecays.flatMap((_, i) => {
    const [p, m, v] = ["parameter", "firstMoment", "secondMoment"].map((name) =>
      rewritable(inputs[`${name}${i}`] as TensorInfo, repeated, backend),
    ) as [TensorInfo, TensorInfo, TensorInfo];
    updated.push(p, m, v);
    return [p, inputs[`gradient${i}`], m, v];
  });
  const rates = [learningRate, beta1, beta2, epsilon, step];
  backend.run("adamw_step", ...rates, inputs.gradientScale, weightDecays, ...tensors);
  return updated;
}

/** The tensor's own memory if nobody else refers to it, nor another input of the step; else a copy. */
function rewritable(tensor: TensorInfo, repeated: ReadonlySet<DataId>, backend: EngineBackend): TensorInfo {
  const { shape, dataId } = tensor;
  if (backend.refCount(dataId) === 1 && !repeated.has(dataId)) {
    // The result is one more tensor with this memory.
    backend.incRef(dataId);
    return { dataId, shape, dtype: "float32" };
  }
  const copy = backend.output(shape, "float32");
  backend.run("add_n", copy, 1, tensor);
  return copy;
}

/** The memory of more than one input: a parameter may be its own gradient. */
function sharedMemory(inputs: NamedTensorInfoMap): Set<DataId> {
  const [once, again] = [new Set<DataId>(), new Set<DataId>()];
  for (const { dataId } of Object.values(inputs) as TensorInfo[]) (once.has(dataId) ? again : once).add(dataId);
  return again;
}

function globalNorm({ inputs, backend }: KernelCall): TensorInfo[] {
  const norm = backend.output([], "float32");
  backend.run("global_norm", norm, ...list(inputs));
  return [norm];
}

function addN({ inputs, backend }: KernelCall): TensorInfo {
  const sum = backend.output((inputs[0] as TensorInfo).shape, "float32");
  backend.run("add_n", sum, ...list(inputs));
  return sum;
}

/** How many tensors, then each. */
function list(inputs: NamedTensorInfoMap): [number, ...TensorInfo[]] {
  const tensors = Object.values(inputs) as TensorInfo[];
  return [tensors.length, ...tensors];
}

/** Parameter, gradient and moments must be of one size. */
function checkParameters(kernel: string, call: KernelCall): void {
  const { weightDecays } = call.attributes as unknown as AdamwAttributes;
  for (const i of weightDecays.keys()) {
    const names = [`parameter${i}`, `gradient${i}`, `firstMoment${i}`, `secondMoment${i}`];
    expects(Object.fromEntries(names.map((name) => [name, "float32 (…)"])))(kernel, call);
  }
  expects({ "gradientScale?": "float32 ()" })(kernel, call);
}

function checkFloats(kernel: string, call: KernelCall): void {
  for (const name of Object.keys(call.inputs)) expects({ [name]: "float32 (…)" })(kernel, call);
}

function checkAlike(kernel: string, call: KernelCall): void {
  expects(Object.fromEntries(Object.keys(call.inputs).map((name) => [name, "float32 (…)"])))(kernel, call);
}

function areFloats(inputs: NamedTensorInfoMap): boolean {
  return Object.values(inputs).every((tensor) => tensor?.dtype === "float32");
}

export const optimizerKernels: readonly EngineKernel[] = [
  { name: "TesseraAdamwStep", check: checkParameters, run: adamwStep },
  { name: "TesseraGlobalNorm", check: checkFloats, run: globalNorm },
  { name: "AddN", accepts: areFloats, check: checkAlike, run: addN },
];
