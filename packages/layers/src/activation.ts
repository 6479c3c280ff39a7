import { relu, type Tensor } from "@tensorflow/tfjs";
import { gelu, silu } from "@tessera-lm/ops";

/** `gelu-tanh` is OpenAI's approximation by tanh, `gelu` the exact form by erf. */
export type Activation = "gelu-tanh" | "gelu" | "relu" | "silu";

/** The activation of each number. Any shape. */
export function activate(x: Tensor, activation: Activation): Tensor {
  if (activation === "relu") return relu(x);
  if (activation === "silu") return silu(x);
  return gelu(x, activation === "gelu-tanh" ? "tanh" : "none");
}
