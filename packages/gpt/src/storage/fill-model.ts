import { type Rank, type ShapeMap, tensor, Variable } from "@tensorflow/tfjs";
import { dispose, Embedding, type Initializer, type Parameter, parameter, parameters } from "@tessera-lm/layers";
import type { StoredMatrix } from "@tessera-lm/ops";
import type { StoredTensor } from "../families/family.ts";
import { putTurned } from "./bands.ts";
import { storable, store } from "./storable.ts";

/** Stands for the weights of a model that is about to be filled, and takes no memory. */
export const hollow: Initializer = <R extends Rank>() => parameter(tensor<R>([], [0] as number[] as ShapeMap[R]));

/** Where the weights of a model come from. */
export interface WeightSource {
  /** Float32 numbers as they lie in the file, some rows at a time. */
  floats(tensor: StoredTensor): AsyncIterable<Float32Array>;
  /** The weight of an embedding (`isTable`) or of a linear layer, (O, I), if it is to be kept in fewer bits. */
  matrix(tensor: StoredTensor, isTable: boolean): Promise<StoredMatrix | undefined>;
}

/**
 * Gives every parameter of a model its weights, one after the other, so that memory holds the model, one tensor and
 * little more. The model is freed if that fails.
 */
export async function fillModel(
  model: object,
  tensors: readonly StoredTensor[],
  { floats, matrix }: WeightSource,
): Promise<void> {
  const byPath = new Map(tensors.map((each) => [each.path, each]));
  const matrices = storable(model);
  try {
    for (const path of parameters(model).keys()) {
      const stored = byPath.get(path) as StoredTensor;
      const module = matrices.get(path.replace(/\.weight$/, ""));
      const kept = module && path.endsWith(".weight") ? await matrix(stored, module instanceof Embedding) : undefined;
      if (module && kept) store(model, module, kept);
      else replaceParameter(model, path, await toParameter(floats(stored), stored));
    }
  } catch (error) {
    dispose(model);
    throw error;
  }
}

async function toParameter(
  bands: AsyncIterable<Float32Array>,
  { shape, transposed }: StoredTensor,
): Promise<Parameter> {
  const [rows, columns] = shape;
  const values = await collected(bands, shape, (all, band, at) => {
    if (transposed) putTurned(band, at / columns, [rows, columns], all);
    else all.set(band, at);
  });
  return parameter(tensor<Rank>(values, (transposed ? [columns, rows] : [...shape]) as ShapeMap[Rank]));
}

/** Every number of a tensor. */
export const allFloats = (bands: AsyncIterable<Float32Array>, shape: readonly number[]): Promise<Float32Array> =>
  collected(bands, shape, (all, band, at) => all.set(band, at));

async function collected(
  bands: AsyncIterable<Float32Array>,
  shape: readonly number[],
  put: (all: Float32Array, band: Float32Array, at: number) => void,
): Promise<Float32Array> {
  const all = new Float32Array(shape.reduce((product, length) => product * length, 1));
  let at = 0;
  for await (const band of bands) {
    put(all, band, at);
    at += band.length;
  }
  return all;
}

function replaceParameter(model: object, path: string, value: Parameter): void {
  const keys = path.split(".");
  const key = keys.pop() as string;
  const holder = keys.reduce((node, each) => Reflect.get(node, each) as object, model);
  const before: unknown = Reflect.get(holder, key);
  Object.assign(holder, { [key]: value });
  if (before instanceof Variable) before.dispose();
}
