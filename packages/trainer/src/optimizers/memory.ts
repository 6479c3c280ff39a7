import type { Parameter } from "@tessera-lm/layers";
import type { HostTensor, TensorToWrite } from "@tessera-lm/weights";
import { CheckpointMismatchError } from "../errors.ts";
import { checkShapes, type Shape, shapesOf } from "../shapes.ts";

/** One kind of what an optimiser remembers: something beside every parameter, kept by the parameter's name. */
export interface Memory {
  /** The first part of the names in `state()`, which are KIND.NAME. */
  readonly kind: string;
  readonly dtype: "F32" | "I32";
  shapeBeside(parameter: Parameter): Shape;
  entries(): Iterable<[name: string, value: TensorToWrite]>;
  set(name: string, parameter: Parameter, data: HostTensor["data"]): void;
  /** Forgets everything. */
  dispose(): void;
}

/** All state of an optimiser by name. */
export function stateOf(memories: readonly Memory[]): Map<string, TensorToWrite> {
  const state = new Map<string, TensorToWrite>();
  for (const memory of memories) {
    for (const [name, value] of memory.entries()) state.set(`${memory.kind}.${name}`, value);
  }
  return state;
}

/** Restores what `stateOf` gave, whole or not at all. @throws CheckpointMismatchError */
export function restoreState(
  memories: readonly Memory[],
  state: ReadonlyMap<string, HostTensor>,
  parameters: ReadonlyMap<string, Parameter>,
): void {
  checkState(memories, state, parameters);
  for (const memory of memories) {
    memory.dispose();
    for (const [name, parameter] of parameters) {
      memory.set(name, parameter, (state.get(`${memory.kind}.${name}`) as HostTensor).data);
    }
  }
}

function checkState(
  memories: readonly Memory[],
  state: ReadonlyMap<string, HostTensor>,
  parameters: ReadonlyMap<string, Parameter>,
): void {
  const shapes = new Map<string, Shape>();
  const dtypes = new Map<string, string>();
  for (const memory of memories) {
    for (const [name, parameter] of parameters) {
      shapes.set(`${memory.kind}.${name}`, memory.shapeBeside(parameter));
      dtypes.set(`${memory.kind}.${name}`, memory.dtype);
    }
  }
  checkShapes(shapes, shapesOf(state));
  for (const [name, { dtype }] of state) {
    if (dtype === dtypes.get(name)) continue;
    throw new CheckpointMismatchError(name, `is ${dtype}; expected ${dtypes.get(name)}`);
  }
}
