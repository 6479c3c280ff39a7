import { add, mul, sub, type Tensor, tidy } from "@tensorflow/tfjs";
import type { Schedule } from "../schedules.ts";
import { Moments, momentState, restoreMoments } from "./moments.ts";
import { asSchedule, type Optimizer } from "./optimizer.ts";

export interface SgdOptions {
  readonly learningRate: number | Schedule;
  /** Share of the last direction that is kept; 0 by default: no state at all. */
  readonly momentum?: number;
}

/**
 * d ← momentum · d + gradient, then p ← p − learningRate · d: stochastic gradient descent as PyTorch's SGD writes it.
 * State: `momentum.NAME`.
 */
export function sgd({ learningRate, momentum = 0 }: SgdOptions): Optimizer {
  const rate = asSchedule(learningRate);
  const directions = new Moments("momentum");
  const kinds = momentum === 0 ? [] : [directions];
  return {
    learningRate: rate,
    update(parameters, { tensors, scale }, step) {
      for (const [name, parameter] of parameters) {
        tidy(() => {
          let direction: Tensor = mul(tensors.get(name) as Tensor, scale);
          if (momentum !== 0) {
            const kept = directions.of(name, parameter);
            direction = add(mul(kept, momentum), direction);
            kept.assign(direction);
          }
          parameter.assign(sub(parameter, mul(direction, rate(step))));
        });
      }
    },
    state: () => momentState(kinds),
    restore: (state, parameters) => restoreMoments(kinds, state, parameters),
    dispose: () => directions.dispose(),
  };
}
