import { add, erf, exp, mul, square, sub, type Tensor, tanh } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { OptionError } from "./errors.ts";
import { requireType } from "./validate.ts";

/** How GELU is computed, in PyTorch's words: "none" by the error function, "tanh" by OpenAI's approximation. */
export type GeluApproximation = "none" | "tanh";

/**
 * gelu(x) = x · Φ(x) = ½x · (1 + erf(x/√2)); with "tanh", ½x · (1 + tanh(√(2/π) · (x + 0.044715x³))).
 *
 * Hendrycks, Gimpel 2016, https://arxiv.org/abs/1606.08415. OpenAI's GPT-2 uses "tanh", nanoGPT "none".
 *
 * @param x any shape
 * @param approximation default "none"
 * @returns the shape of x
 * @throws OptionError if the approximation has another name
 */
export function gelu(x: Tensor, approximation: GeluApproximation = "none"): Tensor {
  requireType("gelu", "x", x, "float32");
  if (approximation !== "none" && approximation !== "tanh") {
    throw new OptionError("gelu", `approximation must be "none" or "tanh", but is ${JSON.stringify(approximation)}`);
  }
  return differentiable(GELU, { x }, { approximation });
}

const GELU: Operation<{ x: Tensor }, { x: Tensor }, { approximation: GeluApproximation }> = {
  kernel: "TesseraGelu",
  differentiable: ["x"],
  outputs: ["y"],
  saved: ["x"],

  forward({ x }, { approximation }) {
    const gate = approximation === "tanh" ? tanh(tanhArgument(x)) : erf(mul(x, Math.SQRT1_2));
    return [mul(mul(x, 0.5), add(gate, 1))];
  },

  backward(dy, { x }, { approximation }) {
    return { x: () => mul(dy, approximation === "tanh" ? tanhSlope(x) : erfSlope(x)) };
  },
};

const SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** √(2/π) · (x + 0.044715x³), without pow, which is thirty times slower than products on some backends. */
function tanhArgument(x: Tensor): Tensor {
  return mul(x, add(mul(square(x), SQRT_2_OVER_PI * CUBIC), SQRT_2_OVER_PI));
}

/** ½(1 + t) + ½x · (1 − t²) · √(2/π) · (1 + 3 · 0.044715x²) with t = tanh(…). */
function tanhSlope(x: Tensor): Tensor {
  const t = tanh(tanhArgument(x));
  const inner = mul(x, add(mul(square(x), 1.5 * SQRT_2_OVER_PI * CUBIC), 0.5 * SQRT_2_OVER_PI));
  return add(mul(add(t, 1), 0.5), mul(inner, sub(1, square(t))));
}

/** Φ(x) + x · φ(x), the normal distribution's function and density. */
function erfSlope(x: Tensor): Tensor {
  const distribution = mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return add(distribution, mul(x, density));
}
