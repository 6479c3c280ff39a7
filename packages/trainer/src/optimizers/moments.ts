import { type Tensor, tensor, tidy, type Variable, variable, zeros } from "@tensorflow/tfjs";
import type { Parameter } from "@tessera-lm/layers";
import type { HostTensor } from "@tessera-lm/weights";
import { CheckpointMismatchError } from "../errors.ts";
import { checkShapes, type Shape, shapesOf } from "../shapes.ts";

/** One kind of optimiser state: beside every parameter a tensor of its shape that starts at zero, kept by its name. */
export class Moments {
  /** The first part of the tensors' names in `state()`. */
  readonly kind: string;
  readonly #byName = new Map<string, Variable>();

  constructor(kind: string) {
    this.kind = kind;
  }

  /** The tensor beside one parameter. */
  of(name: string, parameter: Parameter): Variable {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const fresh = tidy(() => variable(zeros(parameter.shape), false));
    this.#byName.set(name, fresh);
    return fresh;
  }

  *entries(): Generator<[name: string, value: Tensor]> {
    for (const [name, value] of this.#byName) yield [`${this.kind}.${name}`, value];
  }

  dispose(): void {
    for (const value of this.#byName.values()) value.dispose();
    this.#byName.clear();
  }
}

/** All state of an optimiser by name. */
export function momentState(kinds: readonly Moments[]): Map<string, Tensor> {
  return new Map(kinds.flatMap((moments) => [...moments.entries()]));
}

/** Restores what `momentState` gave, whole or not at all. @throws CheckpointMismatchError */
export function restoreMoments(
  kinds: readonly Moments[],
  state: ReadonlyMap<string, HostTensor>,
  parameters: ReadonlyMap<string, Parameter>,
): void {
  const expected = new Map<string, Shape>();
  for (const { kind } of kinds) for (const [name, { shape }] of parameters) expected.set(`${kind}.${name}`, shape);
  checkShapes(expected, shapesOf(state));
  for (const [name, { dtype }] of state) {
    if (dtype !== "F32") throw new CheckpointMismatchError(name, `is ${dtype}; expected F32`);
  }
  for (const moments of kinds) {
    for (const [name, parameter] of parameters) {
      const { data } = state.get(`${moments.kind}.${name}`) as HostTensor;
      tidy(() => moments.of(name, parameter).assign(tensor(data as Float32Array, parameter.shape, "float32")));
    }
  }
}
