import { type Rank, type Tensor2D, tensor2d, tidy, transpose } from "@tensorflow/tfjs";
import { type Parameter, parameter } from "@tessera-lm/layers";
import type { HostTensor, TensorFile, TensorToWrite } from "@tessera-lm/weights";
import { AdapterMismatchError } from "./errors.ts";
import { type LinearLayer, LoraLinear, type LoraShape } from "./lora-linear.ts";

/** The name of a module in the model of the library that reads or wrote the adapter, from its path in ours. */
export type ModuleName = (path: string) => string;

const PREFIX = "base_model.model.";
const keyOf = (name: string, part: "A" | "B"): string => `${PREFIX}${name}.lora_${part}.weight`;

/** The tensors of an adapter under PEFT's names and in its layout: A is (r, in) and B is (out, r). */
export function adapterTensors(
  adapted: ReadonlyMap<string, LoraLinear>,
  moduleName: ModuleName,
): [string, TensorToWrite][] {
  return [...adapted].flatMap(([path, { loraA, loraB }]): [string, TensorToWrite][] => [
    [keyOf(moduleName(path), "A"), transposed(loraA)],
    [keyOf(moduleName(path), "B"), transposed(loraB)],
  ]);
}

function transposed(parameter: Parameter<Rank.R2>): TensorToWrite {
  const [rows, columns] = parameter.shape;
  return { dtype: "F32", shape: [columns, rows], read: () => transposedValues(parameter) };
}

async function transposedValues(parameter: Parameter<Rank.R2>): Promise<Float32Array> {
  const turned = transpose(parameter);
  try {
    return await turned.data<"float32">();
  } finally {
    turned.dispose();
  }
}

/**
 * Reads the adapted layers that a file holds, without touching the model.
 * @throws AdapterMismatchError when a tensor is for a layer that the model lacks, has another shape, or has no partner.
 */
export async function readAdapterTensors(
  file: TensorFile,
  layers: ReadonlyMap<string, LinearLayer>,
  lora: LoraShape,
  moduleName: ModuleName,
  path: string,
): Promise<Map<string, LoraLinear>> {
  const chosen = checkTensors(file, layers, lora, moduleName, path);
  const values = new Map<string, [a: HostTensor, b: HostTensor]>();
  for (const name of chosen) {
    const key = moduleName(name);
    values.set(name, [await file.read(keyOf(key, "A")), await file.read(keyOf(key, "B"))]);
  }
  return new Map(
    [...values].map(([name, [a, b]]) => [
      name,
      new LoraLinear(layers.get(name) as LinearLayer, toParameter(a), toParameter(b), lora),
    ]),
  );
}

/** The paths of the layers that the file adapts. */
function checkTensors(
  file: TensorFile,
  layers: ReadonlyMap<string, LinearLayer>,
  { rank }: LoraShape,
  moduleName: ModuleName,
  path: string,
): string[] {
  const unknown = new Set(file.entries.keys());
  const problems: string[] = [];
  const chosen: string[] = [];
  for (const [layer, { weight }] of layers) {
    const [inputs, outputs] = weight.shape;
    const name = moduleName(layer);
    const shapes = { A: [rank, inputs], B: [outputs, rank] };
    if (!unknown.has(keyOf(name, "A")) && !unknown.has(keyOf(name, "B"))) continue;
    chosen.push(layer);
    for (const part of ["A", "B"] as const) {
      unknown.delete(keyOf(name, part));
      problems.push(...tensorProblems(file, keyOf(name, part), shapes[part]));
    }
  }
  for (const key of unknown) problems.push(`the model has no linear layer for ${key}`);
  if (chosen.length === 0 && unknown.size === 0) problems.push("it holds no tensors");
  if (problems.length > 0) throw new AdapterMismatchError(path, problems);
  return chosen;
}

function tensorProblems(file: TensorFile, key: string, shape: readonly number[]): string[] {
  const entry = file.entries.get(key);
  if (entry === undefined) return [`${key} is missing`];
  if (!["F32", "F16", "BF16"].includes(entry.dtype)) return [`${key} is ${entry.dtype}; expected F32, F16 or BF16`];
  return entry.shape.join() === shape.join()
    ? []
    : [`${key} is (${entry.shape.join(", ")}); expected (${shape.join(", ")})`];
}

/** (rows, columns) on disk → (columns, rows) here. */
function toParameter({ data, shape }: HostTensor): Parameter<Rank.R2> {
  const [rows, columns] = shape as [number, number];
  return parameter(tidy(() => transpose(tensor2d(data as Float32Array, [rows, columns])) as Tensor2D));
}
