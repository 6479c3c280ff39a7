import { add, div, mul, type Scalar, sqrt, square, sub, type Tensor, tidy, type Variable } from "@tensorflow/tfjs";
import { hasKernel, runKernel } from "./differentiable.ts";
import { OptionError, ShapeError } from "./errors.ts";
import { countRewrite } from "./rewritten.ts";
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
 * Without a kernel one parameter follows the other, so that the working memory is that of the largest one.
 *
 * Kernel `TesseraAdamwStep`: inputs "parameter0", "gradient0", "firstMoment0", "secondMoment0", "parameter1", … and
 * perhaps "gradientScale"; attributes learningRate, beta1, beta2, epsilon, step, weightDecays. It returns the new
 * parameter, first and second moment of each, in this order; they may be the old memory, rewritten, where nobody else
 * refers to it.
 *
 * @throws ShapeError if the lists differ in length, or a gradient or moment has not its parameter's shape
 * @throws OptionError if the step is not a whole number of at least 1
 */
export function adamwStep(options: AdamwStepOptions): void {
  requireStep(options.step);
  requireAligned(options);
  const all = [...options.parameters.keys()];
  if (hasKernel(KERNEL)) {
    update(options, all, () => runKernel(KERNEL, kernelInputs(options), kernelAttributes(options)));
  } else {
    for (const i of all) update(options, [i], () => composeOne(options, i));
  }
}

const KERNEL = "TesseraAdamwStep";

/** Assigns what `compute` returns, new parameter and moments in turn, to those of the parameters with these indices. */
function update(options: AdamwStepOptions, indices: readonly number[], compute: () => readonly Tensor[]): void {
  const { parameters, firstMoments, secondMoments } = options;
  const targets = indices.flatMap((i) => [parameters[i], firstMoments[i], secondMoments[i]] as Variable[]);
  tidy(() => {
    const updated = compute();
    for (const [k, target] of targets.entries()) target.assign(updated[k] as Tensor);
    for (const i of indices) countRewrite(parameters[i] as Variable);
  });
}

function composeOne(options: AdamwStepOptions, i: number): [parameter: Tensor, first: Tensor, second: Tensor] {
  const { learningRate, beta1, beta2, epsilon, step, gradientScale } = options;
  const [p, gradient, m, v] = tensorsOf(options, i);
  const g = gradientScale ? mul(gradient, gradientScale) : gradient;
  const first = tidy(() => add(mul(m, beta1), mul(g, 1 - beta1)));
  const second = tidy(() => add(mul(v, beta2), mul(square(g), 1 - beta2)));
  // m̂ / (√v̂ + ε) with the corrections moved into two numbers.
  const correction = Math.sqrt(1 - beta2 ** step);
  const rate = (learningRate * correction) / (1 - beta1 ** step);
  const change = tidy(() => mul(div(first, add(sqrt(second), epsilon * correction)), rate));
  const decay = learningRate * (options.weightDecays[i] as number);
  return [sub(decay === 0 ? p : mul(p, 1 - decay), change), first, second];
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

function requireStep(step: number): void {
  if (Number.isInteger(step) && step >= 1) return;
  throw new OptionError("adamwStep", `step must be a whole number, 1 for the first step, but is ${step}`);
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
