import { broadcast_util, engine, getKernel, type NamedTensorInfoMap, type TensorInfo, util } from "@tensorflow/tfjs";
import type { EngineBackend } from "../backend.ts";
import { haveType } from "./dtypes.ts";
import type { EngineKernel, KernelCall } from "./kernel.ts";
import { stepsOf } from "./views.ts";

interface Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

function batchMatMul({ inputs, attributes, backend }: KernelCall): TensorInfo {
  const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
  const { transposeA, transposeB } = attributes as unknown as Attributes;
  const [rows, inner, columns] = productSize(a, b, transposeA, transposeB);
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const c = backend.output([...batch, rows, columns], "float32");
  // One B for all: the rows of all A are those of one matrix.
  const joined = !transposeA && util.sizeFromShape(outerB) === 1;
  const sizes = joined ? [util.sizeFromShape(batch) * rows, inner, columns] : [rows, inner, columns];
  const axes = joined ? [[], [], []] : [batch, batchStrides(outerA, batch), batchStrides(outerB, batch)];
  backend.run("matmul", a, b, ...sizes, transposeA, transposeB, ...axes, c);
  return c;
}

/** [M, K, N] of A (M, K) · B (K, N). */
function productSize(a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean): [number, number, number] {
  const [rows, inner] = matrixShape(a, transposeA);
  const [innerB, columns] = matrixShape(b, transposeB);
  util.assert(
    inner === innerB,
    () => `matMul: the inner sizes of shapes (${a.shape}) and (${b.shape}) differ: ${inner} and ${innerB}`,
  );
  return [rows, inner, columns];
}

function matrixShape({ shape }: TensorInfo, transposed: boolean): [rows: number, columns: number] {
  util.assert(shape.length >= 2, () => `matMul: a tensor of shape (${shape}) is not a matrix`);
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** How many matrices further each axis of `to` leads in a batch of shape `from`: 0 along axes that are broadcast. */
function batchStrides(from: readonly number[], to: readonly number[]): number[] {
  const padded = [...to.slice(from.length).map(() => 1), ...from];
  return stepsOf(padded).map((step, axis) => (padded[axis] === 1 ? 0 : step));
}

/** Product, bias and activation: at once where the linear layer's command can do that, else one after the other. */
function fusedMatMul(call: KernelCall): TensorInfo {
  const { a, b, bias, preluActivationWeights } = call.inputs as Record<string, TensorInfo> & { a: TensorInfo };
  const { activation = "linear", leakyreluAlpha } = call.attributes as { activation?: string; leakyreluAlpha: number };
  const product = activation in ACTIVATIONS ? linearLayer(call, ACTIVATIONS[activation] as number) : undefined;
  if (product) return product;
  let y = batchMatMul({ ...call, inputs: { a, b: b as TensorInfo } });
  if (bias) y = then(call.backend, "Add", y, { a: y, b: bias });
  if (activation === "linear") return y;
  if (activation === "prelu")
    return then(call.backend, "Prelu", y, { x: y, alpha: preluActivationWeights as TensorInfo });
  const name = activation === "leakyrelu" ? "LeakyRelu" : `${activation[0]?.toUpperCase()}${activation.slice(1)}`;
  return then(call.backend, name, y, { x: y }, { alpha: leakyreluAlpha });
}

/** The numbers that the command `linear` knows activations by. */
const ACTIVATIONS: Readonly<Record<string, number>> = { linear: 0, relu: 4 };

function linearLayer({ inputs, attributes, backend }: KernelCall, activation: number): TensorInfo | undefined {
  const { a, b, bias } = inputs as { a: TensorInfo; b: TensorInfo; bias?: TensorInfo };
  const { transposeA, transposeB } = attributes as unknown as Attributes;
  const [rows, inner, columns] = productSize(a, b, transposeA, transposeB);
  const plain = !transposeA && !transposeB && util.sizeFromShape(b.shape.slice(0, -2)) === 1;
  if (!plain || (bias && (util.sizeFromShape(bias.shape) !== columns || bias.shape.at(-1) !== columns)))
    return undefined;
  const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const y = backend.output([...batch, rows, columns], "float32");
  backend.run("linear", a, b, bias, util.sizeFromShape(batch) * rows, inner, columns, activation, y);
  return y;
}

/** What a kernel makes of an intermediate tensor, which is freed. */
function then(
  backend: EngineBackend,
  name: string,
  intermediate: TensorInfo,
  inputs: NamedTensorInfoMap,
  attrs: Record<string, number> = {},
): TensorInfo {
  const result = getKernel(name, engine().backendName).kernelFunc({ inputs, attrs, backend }) as TensorInfo;
  backend.disposeIntermediateTensorInfo(intermediate);
  return result;
}

const areFloats = ({ a, b, bias }: NamedTensorInfoMap): boolean =>
  haveType([a as TensorInfo, b as TensorInfo, ...(bias ? [bias] : [])], ["float32"]);

export const matMulKernels: readonly EngineKernel[] = [
  { name: "BatchMatMul", accepts: areFloats, run: batchMatMul },
  { name: "_FusedMatMul", accepts: areFloats, run: fusedMatMul },
];
