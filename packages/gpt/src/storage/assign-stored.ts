import { tensor, tensor2d, tidy, transpose } from "@tensorflow/tfjs";
import type { Parameter } from "@tessera-lm/layers";
import type { StoredTensor } from "../families/family.ts";

/** Gives a parameter the numbers that a file holds for it. */
export function assignStored(
  parameter: Parameter,
  { shape, transposed }: Pick<StoredTensor, "shape" | "transposed">,
  values: Float32Array,
): void {
  tidy(() => {
    const [rows, columns] = shape as [number, number];
    parameter.assign(transposed ? transpose(tensor2d(values, [rows, columns])) : tensor(values, parameter.shape));
  });
}
