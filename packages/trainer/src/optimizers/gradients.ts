import { dispose, type Tensor } from "@tensorflow/tfjs";

/** The gradient of every parameter, by name. The gradient is `scale · tensors`: averaging and clipping never copy. */
export interface Gradients {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly scale: number;
  /** The global norm of `scale · tensors`: the root of the sum of all their squares. */
  readonly norm: number;
}

/** Gradients in, gradients out, such as clipping. */
export type GradientTransform = (gradients: Gradients) => Gradients;

/** Frees the memory of the gradients; whoever computed them does it after the update. */
export function disposeGradients({ tensors }: Gradients): void {
  dispose([...tensors.values()]);
}
