import { add, div, mul, type Scalar, sqrt, square, sub, type Tensor, tidy, type Variable } from "@tensorflow/tfjs";
import { fused } from "./differentiable.ts";
import { ShapeError } from "./errors.ts";
import { requireFloat } from "./validate.ts";

/** What one step of AdamW reads and writes. All lists have one element per parameter, in the same order. */
export interface AdamwStepOptions {
  /** p, updated in place. */
  readonly parameters: readonly Variable[];
  /** g, shaped like the parameters. */
  readonly gradients: readonly Tensor[];
  /** m, updated in place; zeros before the first step. */
  readonly firstMoments: readonly Variable[];
  /** v, updated in place; zeros before the first step. */
  readonly secondMoments: readonly Variable[];
  /** Multiplies every gradient: averaging and clipping without a copy. Default 1. */
  readonly gradientScale?: Scalar;
  /** lr. */
  readonly learningRate: number;
  /** β₁, PyTorch's default is 0.9. */
  readonly beta1: number;
  /** β₂, PyTorch's default is 0.999. */
  readonly beta2: number;
  /** ε, outside the root; PyTorch's default is 1e-8. */
  readonly epsilon: number;
  /** wd of each parameter, 0 for none. */
  readonly weightDecays: readonly number[];
  /** Which step this is, counted from 1: it corrects the bias of the moments. */
  readonly step: number;
}

/**
 * adamwStep: p ← p − lr · (m̂ / (√v̂ + ε) + wd · p), with m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g²,
 * m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), and p on the right as it was before the step.
 *
 * Loshchilov, Hutter 2017, https://arxiv.org/abs/1711.05101; `torch.optim.AdamW`.
 *
 * Kernel `TesseraAdamwStep`: inputs "parameter0", "gradient0", "firstMoment0", "secondMoment0", "parameter1", … and
 * perhaps "gradientScale"; attributes learningRate, beta1, beta2, epsilon, step, weightDecays. It returns the new
 * parameter, first and second moment of each, in this order; they may be the old memory, rewritten, where nobody else
 * refers to it.
 *
 * @throws ShapeError if the lists differ in length, or a gradient or moment has not its parameter's shape
 */
export function adamwStep(options: AdamwStepOptions): void {
  const { parameters, firstMoments, secondMoments } = options;
  requireAligned(options);
  tidy(() => {
    const updated = fused("TesseraAdamwStep", kernelInputs(options), kernelAttributes(options), () => compose(options));
    const targets = parameters.flatMap((p, i) => [p, firstMoments[i], secondMoments[i]] as Variable[]);
    for (const [i, target] of targets.entries()) target.assign(updated[i] as Tensor);
  });
}

/** New parameter and moments of every parameter, in turn; each one's temporaries are freed before the next. */
function compose(options: AdamwStepOptions): Tensor[] {
  return options.parameters.flatMap((_, i) => tidy(() => composeOne(options, i)));
}

function composeOne(options: AdamwStepOptions, i: number): [parameter: Tensor, first: Tensor, second: Tensor] {
  const { learningRate, beta1, beta2, epsilon, step, gradientScale } = options;
  const [p, gradient, m, v] = tensorsOf(options, i);
  const g = gradientScale ? mul(gradient, gradientScale) : gradient;
  const first = add(mul(m, beta1), mul(g, 1 - beta1));
  const second = add(mul(v, beta2), mul(square(g), 1 - beta2));
  // m̂ / (√v̂ + ε) with the corrections moved into two numbers.
  const correction = Math.sqrt(1 - beta2 ** step);
  const rate = (learningRate * correction) / (1 - beta1 ** step);
  const update = mul(div(first, add(sqrt(second), epsilon * correction)), rate);
  const decay = learningRate * (options.weightDecays[i] as number);
  return [sub(decay === 0 ? p : mul(p, 1 - decay), update), first, second];
}

function tensorsOf(options: AdamwStepOptions, i: number): [p: Tensor, g: Tensor, m: Tensor, v: Tensor] {
  const { parameters, gradients, firstMoments, secondMoments } = options;
  return [parameters[i], gradients[i], firstMoments[i], secondMoments[i]] as [Tensor, Tensor, Tensor, Tensor];
}

function kernelInputs(options: AdamwStepOptions): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = options.gradientScale ? { gradientScale: options.gradientScale } : {};
  for (const i of options.parameters.keys()) {
    const [p, g, m, v] = tensorsOf(options, i);
    Object.assign(inputs, {
      [`parameter${i}`]: p,
      [`gradient${i}`]: g,
      [`firstMoment${i}`]: m,
      [`secondMoment${i}`]: v,
    });
  }
  return inputs;
}

function kernelAttributes({ learningRate, beta1, beta2, epsilon, step, weightDecays }: AdamwStepOptions) {
  return { learningRate, beta1, beta2, epsilon, step, weightDecays: [...weightDecays] };
}

function requireAligned(options: AdamwStepOptions): void {
  const { parameters, gradients, firstMoments, secondMoments, weightDecays } = options;
  for (const [name, list] of Object.entries({ gradients, firstMoments, secondMoments, weightDecays })) {
    if (list.length === parameters.length) continue;
    throw new ShapeError(
      "adamwStep",
      `${name} must have one element for each of ${parameters.length} parameters, but has ${list.length}`,
    );
  }
  for (const [i, parameter] of parameters.entries()) {
    const [, g, m, v] = tensorsOf(options, i);
    requireFloat("adamwStep", `gradients[${i}]`, g, ...parameter.shape);
    requireFloat("adamwStep", `firstMoments[${i}]`, m, ...parameter.shape);
    requireFloat("adamwStep", `secondMoments[${i}]`, v, ...parameter.shape);
  }
}
