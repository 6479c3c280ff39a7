import type { Tensor } from "@tensorflow/tfjs";
import { checkpoint } from "@tessera-lm/ops";
import type { ForwardOptions } from "./language-model.ts";
import type { Projection } from "./linear.ts";
import { parameters } from "./parameter.ts";

/** module.forward(x, options), which the backward pass computes again instead of keeping it if `checkpointing` is on. */
export function checkpointed(module: Projection, x: Tensor, options?: ForwardOptions): Tensor {
  const forward = (input: Tensor): Tensor => module.forward(input, options);
  return options?.checkpointing ? checkpoint(forward, x, [...parameters(module).values()]) : forward(x);
}
