import { type Rank, type ShapeMap, tensor, tensor2d, tidy, transpose, Variable } from "@tensorflow/tfjs";
import { dispose, Embedding, type Initializer, type Parameter, parameter, parameters } from "@tessera-lm/layers";
import type { StoredMatrix } from "@tessera-lm/ops";
import type { StoredTensor } from "./families/family.ts";
import { storable, store } from "./storable.ts";

/** Stands for the weights of a model that is about to be filled, and takes no memory. */
export const hollow: Initializer = <R extends Rank>() => parameter(tensor<R>([], [0] as number[] as ShapeMap[R]));

/** Where the weights of a model come from. */
export interface WeightSource {
  /** Float32 numbers, as they lie in the file. */
  floats(tensor: StoredTensor): Promise<Float32Array>;
  /** The weight of an embedding (`isTable`) or of a linear layer, (O, I), if it is to be kept in fewer bits. */
  matrix(tensor: StoredTensor, isTable: boolean): Promise<StoredMatrix | undefined>;
}

/**
 * Gives every parameter of a model its weights, one after the other, so that memory holds the model and one tensor. The
 * model is freed if that fails.
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
      else replaceParameter(model, path, toParameter(await floats(stored), stored));
    }
  } catch (error) {
    dispose(model);
    throw error;
  }
}

function toParameter(values: Float32Array, { shape, transposed }: StoredTensor): Parameter {
  if (!transposed) return parameter(tensor<Rank>(values, [...shape] as ShapeMap[Rank]));
  return parameter(tidy(() => transpose(tensor2d(values, shape as [number, number]))));
}

function replaceParameter(model: object, path: string, value: Parameter): void {
  const keys = path.split(".");
  const key = keys.pop() as string;
  const holder = keys.reduce((node, each) => Reflect.get(node, each) as object, model);
  const before: unknown = Reflect.get(holder, key);
  Object.assign(holder, { [key]: value });
  if (before instanceof Variable) before.dispose();
}
