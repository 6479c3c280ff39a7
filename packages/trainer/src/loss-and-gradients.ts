import { add, dispose, type Tensor, tidy } from "@tensorflow/tfjs";
import type { Parameter } from "@tessera-lm/layers";
import { foldIn, globalNorm, valueAndGradients } from "@tessera-lm/ops";
import { FrozenParameterError, NoTargetsError, UnreachedParameterError } from "./errors.ts";
import type { Objective } from "./objective.ts";
import type { Gradients } from "./optimizers/gradients.ts";

export interface LossAndGradientsOptions<B> {
  /** What to differentiate by; everything else is frozen. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly objective: Objective<B>;
  /** The micro-batches of one step. */
  readonly batches: Iterable<B>;
  /** The seed of the run; micro-batch m of step s gets foldIn(foldIn(seed, s), m). */
  readonly seed: number;
  readonly step: number;
}

export interface LossAndGradients {
  /** Mean loss per target. */
  readonly loss: number;
  /** How many targets it covers. */
  readonly targets: number;
  /** Of the mean loss; the caller frees them with `disposeGradients`. */
  readonly gradients: Gradients;
}

/**
 * Σ loss / Σ count over micro-batches and its gradient: what one big batch would give, whatever their sizes.
 * @throws FrozenParameterError, UnreachedParameterError, NoTargetsError
 */
export async function lossAndGradients<B>(options: LossAndGradientsOptions<B>): Promise<LossAndGradients> {
  const { parameters, step } = options;
  for (const [name, { trainable }] of parameters) if (!trainable) throw new FrozenParameterError(name);
  let targets = 0;
  const [lossSum, normSum, ...gradientSums] = tidy(() => {
    const { sums, count } = sumOverBatches(options);
    targets = count;
    if (targets === 0) throw new NoTargetsError(step);
    const [loss, ...gradients] = sums;
    return [loss, globalNorm(gradients), ...gradients] as Tensor[];
  });
  const [[loss], [norm]] = await Promise.all([numbersOf(lossSum), numbersOf(normSum)]);
  const scale = 1 / targets;
  const tensors = new Map([...parameters.keys()].map((name, i) => [name, gradientSums[i]]));
  return { loss: loss * scale, targets, gradients: { tensors, scale, norm: norm * scale } };
}

/** The summed loss, then its gradient by each parameter, added up over the micro-batches. */
function sumOverBatches<B>(options: LossAndGradientsOptions<B>): { sums: Tensor[]; count: number } {
  const stepSeed = foldIn(options.seed, options.step);
  let sums: Tensor[] | undefined;
  let count = 0;
  let microBatch = 0;
  for (const batch of options.batches) {
    const seed = foldIn(stepSeed, microBatch++);
    const { loss, gradients } = differentiate(options.parameters, () => {
      const terms = options.objective(batch, { seed });
      count += terms.count;
      return terms.loss;
    });
    sums = sums === undefined ? [loss, ...gradients] : addEach(sums, [loss, ...gradients]);
  }
  return { sums: sums ?? [], count };
}

/** The value of `f` and its gradient by each parameter, in the order of the map. */
function differentiate(
  parameters: ReadonlyMap<string, Parameter>,
  f: () => Tensor,
): { loss: Tensor; gradients: Tensor[] } {
  const { value, gradients } = valueAndGradients(f, [...parameters.values()]);
  [...parameters.keys()].forEach((name, i) => {
    if (gradients[i] === undefined) throw new UnreachedParameterError(name);
  });
  return { loss: value, gradients: gradients as Tensor[] };
}

/** a + b, tensor by tensor; both are consumed. */
function addEach(a: readonly Tensor[], b: readonly Tensor[]): Tensor[] {
  return a.map((tensor, i) => {
    const sum = add(tensor, b[i]);
    dispose([tensor, b[i]]);
    return sum;
  });
}

async function numbersOf(tensor: Tensor): Promise<Float32Array> {
  const numbers = await tensor.data<"float32">();
  tensor.dispose();
  return numbers;
}
