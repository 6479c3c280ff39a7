import type { NamedAttrMap, TensorInfo } from "@tensorflow/tfjs";
import type { KernelCall } from "./kernel.ts";

/** The names of the inputs whose gradients are asked for, in the order in which they are to be returned. */
export function wantedOf(attributes: NamedAttrMap): readonly string[] {
  return (attributes as { wanted: readonly string[] }).wanted;
}

/** New memory for each gradient that is wanted, shaped like its input, in the order in which they are to be returned. */
export function newGradients<Name extends string>(
  { attributes, backend }: KernelCall,
  likes: Readonly<Record<Name, TensorInfo>>,
): Partial<Record<Name, TensorInfo>> {
  const wanted = wantedOf(attributes) as readonly Name[];
  return Object.fromEntries(wanted.map((name) => [name, backend.output(likes[name].shape, "float32")])) as Partial<
    Record<Name, TensorInfo>
  >;
}
