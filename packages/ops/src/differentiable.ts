import {
  customGrad,
  engine,
  getKernel,
  type NamedAttrMap,
  type NamedTensorMap,
  type Tensor,
  tidy,
  Variable,
} from "@tensorflow/tfjs";

import { gradientsSoFar } from "./gradients.ts";

/** Inputs or saved tensors by name; optional ones may be undefined. */
export type Tensors = { readonly [name: string]: Tensor | undefined };

/** What an operation is: its name in a backend, its value, and its gradient. */
export interface Operation<Inputs extends Tensors, Saved extends Tensors, Attributes extends NamedAttrMap> {
  /**
   * Name of the forward kernel; the gradient's is this name + "Gradient".
   *
   * The forward kernel gets the inputs (absent ones left out) and the attributes plus `wanted`, the names of the inputs
   * whose gradients will be asked for, none in evaluation. It returns the tensors named by `outputs`; when nothing is
   * wanted, the first one is enough. The gradient kernel gets `dy`, the tensors named by `saved` and the same
   * attributes, and returns one gradient per wanted input, in that order.
   */
  readonly kernel: string;
  /** Inputs that have a gradient. The others, integer ones, are only saved. */
  readonly differentiable: readonly (keyof Inputs & string)[];
  /** Names of what the forward pass returns: the value, then side outputs for the backward pass. */
  readonly outputs: readonly string[];
  /** Names of the inputs and outputs that the backward pass reads. */
  readonly saved: readonly (keyof Saved & string)[];
  /** The input to whose gradient so far the gradient kernel can add in place; it gets that as `into`. */
  readonly accumulates?: keyof Inputs & string;
  /** The portable forward pass. */
  forward(inputs: Inputs, attributes: Attributes, wanted: readonly string[]): readonly Tensor[];
  /** The portable backward pass: for each input a function that makes its gradient, a fresh tensor. */
  backward(dy: Tensor, saved: Saved, attributes: Attributes): { readonly [name in keyof Inputs]?: () => Tensor };
}

/**
 * Runs an operation so that TensorFlow.js can differentiate it: each pass by the current backend's kernel if it has
 * one, otherwise by the composition. Nothing else in the project knows which one ran.
 *
 * Gradients are computed once, all together, and only for inputs that can want one: an absent input or a variable
 * with `trainable = false` costs nothing. The backward pass reads variables as they are by then.
 */
export function differentiable<Inputs extends Tensors, Saved extends Tensors, Attributes extends NamedAttrMap>(
  operation: Operation<Inputs, Saved, Attributes>,
  inputs: Inputs,
  attributes: Attributes,
): Tensor {
  const present = withoutAbsent(inputs);
  const wanted = engine().isTapeOn() ? operation.differentiable.filter((name) => isTrainable(present[name])) : [];
  if (wanted.length === 0) return tidy(() => first(forward(operation, present, attributes, wanted)));

  const run = customGrad((...parameters) => {
    const save = parameters[parameters.length - 1] as (tensors: Tensor[]) => void;
    const outputs = forward(operation, present, attributes, wanted);
    // A variable is there until the backward pass anyway, and to save it would be to clone it.
    const kept = operation.saved.filter((name) => !(present[name] instanceof Variable));
    save(select(kept, { ...present, ...named(operation.outputs, outputs) }));
    return {
      value: first(outputs),
      gradFunc: (dy: Tensor, tensors: Tensor[]) => {
        const available = { ...present, ...named(kept, tensors) };
        const saved = named(operation.saved, select(operation.saved, available));
        return backward(operation, dy, saved, attributes, wanted, present);
      },
    };
  });
  return run(...select(wanted, present));
}

/** Runs the current backend's kernel if it has one, otherwise the composition, for an operation without a gradient. */
export function fused(
  kernel: string,
  inputs: NamedTensorMap,
  attributes: NamedAttrMap,
  compose: () => readonly Tensor[],
): readonly Tensor[] {
  return hasKernel(kernel) ? runKernel(kernel, inputs, attributes) : compose();
}

/** Whether the current backend brings a kernel of this name. */
export function hasKernel(kernel: string): boolean {
  return getKernel(kernel, engine().backendName) !== undefined;
}

/** All outputs of the current backend's kernel. */
export function runKernel(kernel: string, inputs: NamedTensorMap, attributes: NamedAttrMap): readonly Tensor[] {
  const result: Tensor | Tensor[] = engine().runKernel(kernel, inputs, attributes);
  return Array.isArray(result) ? result : [result];
}

function forward<Inputs extends Tensors, Saved extends Tensors, Attributes extends NamedAttrMap>(
  operation: Operation<Inputs, Saved, Attributes>,
  inputs: NamedTensorMap,
  attributes: Attributes,
  wanted: readonly string[],
): readonly Tensor[] {
  const compose = () => operation.forward(inputs as Tensors as Inputs, attributes, wanted);
  return fused(operation.kernel, inputs, { ...attributes, wanted: [...wanted] }, compose);
}

function backward<Inputs extends Tensors, Saved extends Tensors, Attributes extends NamedAttrMap>(
  operation: Operation<Inputs, Saved, Attributes>,
  dy: Tensor,
  saved: NamedTensorMap,
  attributes: Attributes,
  wanted: readonly string[],
  inputs: NamedTensorMap,
): Tensor[] {
  const compose = () => {
    const gradients = operation.backward(dy, saved as Tensors as Saved, attributes);
    return wanted.map((name) => (gradients[name] as () => Tensor)());
  };
  const gradients = gradientsSoFar();
  const into = operation.accumulates && gradients?.of(inputs[operation.accumulates] as Tensor);
  const given = { dy, ...saved, ...(into && { into }) };
  const found = tidy(() => [
    ...fused(`${operation.kernel}Gradient`, given, { ...attributes, wanted: [...wanted] }, compose),
  ]);
  if (into && found.some(({ dataId }) => dataId === into.dataId)) gradients?.markAddedInPlace(into);
  return found;
}

function isTrainable(tensor: Tensor | undefined): boolean {
  return tensor !== undefined && !(tensor instanceof Variable && !tensor.trainable);
}

function withoutAbsent(tensors: Tensors): NamedTensorMap {
  const present: NamedTensorMap = {};
  for (const name in tensors) if (tensors[name] !== undefined) present[name] = tensors[name];
  return present;
}

function named(names: readonly string[], tensors: readonly Tensor[]): NamedTensorMap {
  const byName: NamedTensorMap = {};
  for (const [i, tensor] of tensors.entries()) byName[names[i] as string] = tensor;
  return byName;
}

function select(names: readonly string[], tensors: NamedTensorMap): Tensor[] {
  return names.map((name) => tensors[name] as Tensor);
}

function first(tensors: readonly Tensor[]): Tensor {
  return tensors[0] as Tensor;
}
