import { transpose } from "@tensorflow/tfjs";
import type { Parameter } from "@tessera-lm/layers";
import type { StoredTensor } from "../families/family.ts";

/** A parameter's numbers as they lie in a file; zeros for one that the model lacks. */
export async function valuesInFile(
  parameter: Parameter | undefined,
  { shape, transposed }: Pick<StoredTensor, "shape" | "transposed">,
): Promise<Float32Array> {
  if (parameter === undefined) return new Float32Array(shape.reduce((product, length) => product * length, 1));
  if (!transposed) return parameter.data<"float32">();
  const turned = transpose(parameter);
  try {
    return await turned.data<"float32">();
  } finally {
    turned.dispose();
  }
}

/** What keeps a model with parts at these paths from being written as these tensors: what is missing, and what is too much. */
export function misfits(
  name: string,
  paths: Iterable<string>,
  tensors: readonly Pick<StoredTensor, "path" | "optional">[],
): string[] {
  const own = new Set(paths);
  const expected = new Set(tensors.map(({ path }) => path));
  return [
    ...tensors.filter(({ path, optional }) => !own.has(path) && !optional).map(({ path }) => `missing: ${path}`),
    ...[...own].filter((path) => !expected.has(path)).map((path) => `not of ${name}: ${path}`),
  ];
}
