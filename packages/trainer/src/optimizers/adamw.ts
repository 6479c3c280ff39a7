import { scalar, type Tensor, tidy } from "@tensorflow/tfjs";
import type { Parameter } from "@tessera-lm/layers";
import { adamwStep } from "@tessera-lm/ops";
import { checkNotNegative, checkPositive, checkShare } from "../check-number.ts";
import type { Schedule } from "../schedules.ts";
import { restoreState, stateOf } from "./memory.ts";
import { Moments } from "./moments.ts";
import { asSchedule, type Optimizer } from "./optimizer.ts";
import { UpdateCounts } from "./update-counts.ts";

export interface AdamWOptions {
  readonly learningRate: number | Schedule;
  /** Decay of the mean of the gradients; 0.9 by default. */
  readonly beta1?: number;
  /** Decay of the mean of their squares; 0.999 by default. */
  readonly beta2?: number;
  /** Added outside the root; 1e-8 by default. */
  readonly epsilon?: number;
  /** Share of a decaying parameter that is taken off per step and unit of learning rate; 0.01 by default. */
  readonly weightDecay?: number;
  /** Which parameters decay; by default those of rank 2 and more: matrices and embeddings, no biases and norms. */
  readonly decays?: (name: string, parameter: Parameter) => boolean;
}

/**
 * p ← p − learningRate · (m̂ / (√v̂ + ε) + weightDecay · p): Adam with decoupled weight decay (Loshchilov and Hutter
 * 2019), with the defaults of PyTorch's AdamW. m̂ and v̂ are corrected by the number of updates that the parameter has had.
 * State: `first_moment.NAME`, `second_moment.NAME`, `updates.NAME`.
 * @throws InvalidOptionError
 */
export function adamw({
  learningRate,
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0.01,
  decays = (_name, parameter) => parameter.rank >= 2,
}: AdamWOptions): Optimizer {
  const rate = asSchedule(learningRate);
  checkShare("beta1", beta1);
  checkShare("beta2", beta2);
  checkPositive("epsilon", epsilon);
  checkNotNegative("weightDecay", weightDecay);
  const first = new Moments("first_moment");
  const second = new Moments("second_moment");
  const updates = new UpdateCounts();
  const memories = [first, second, updates];
  return {
    learningRate: rate,
    update(parameters, gradients, step) {
      const learningRate = rate(step);
      for (const [count, entries] of updates.next(parameters)) {
        tidy(() =>
          adamwStep({
            parameters: entries.map(([, parameter]) => parameter),
            gradients: entries.map(([name]) => gradients.tensors.get(name) as Tensor),
            firstMoments: entries.map(([name, parameter]) => first.of(name, parameter)),
            secondMoments: entries.map(([name, parameter]) => second.of(name, parameter)),
            gradientScale: scalar(gradients.scale),
            weightDecays: entries.map(([name, parameter]) => (decays(name, parameter) ? weightDecay : 0)),
            learningRate,
            beta1,
            beta2,
            epsilon,
            step: count,
          }),
        );
      }
    },
    state: () => stateOf(memories),
    restore: (state, parameters) => restoreState(memories, state, parameters),
    dispose: () => memories.forEach((memory) => memory.dispose()),
  };
}
