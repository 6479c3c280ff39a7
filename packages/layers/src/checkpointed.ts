import type { Tensor } from "@tensorflow/tfjs";
import { checkpoint } from "@tessera-lm/ops";
import type { ForwardOptions } from "./language-model.ts";
import { parameters } from "./parameter.ts";

/**
 * module.forward(x, options, ...others), which the backward pass computes again instead of keeping it if `checkpointing`
 * is on.
 */
export function checkpointed<Options extends ForwardOptions, Others extends Tensor[]>(
  module: { forward(x: Tensor, options: Options | undefined, ...others: Others): Tensor },
  x: Tensor,
  options?: Options,
  ...others: Others
): Tensor {
  const forward = (input: Tensor, ...rest: Tensor[]): Tensor => module.forward(input, options, ...(rest as Others));
  return options?.checkpointing
    ? checkpoint(forward, x, [...parameters(module).values()], others)
    : forward(x, ...others);
}
