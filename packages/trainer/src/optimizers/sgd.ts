import { add, mul, sub, type Tensor, tidy } from "@tensorflow/tfjs";
import { checkShare } from "../check-number.ts";
import type { Schedule } from "../schedules.ts";
import { restoreState, stateOf } from "./memory.ts";
import { Moments } from "./moments.ts";
import { asSchedule, type Optimizer } from "./optimizer.ts";

export interface SgdOptions {
  readonly learningRate: number | Schedule;
  /** Share of the last direction that is kept, below 1; 0 by default: no state at all. */
  readonly momentum?: number;
}

/**
 * d ← momentum · d + gradient, then p ← p − learningRate · d: stochastic gradient descent as PyTorch's SGD writes it.
 * State: `momentum.NAME`.
 * @throws InvalidOptionError
 */
export function sgd({ learningRate, momentum = 0 }: SgdOptions): Optimizer {
  const rate = asSchedule(learningRate);
  checkShare("momentum", momentum);
  const directions = new Moments("momentum");
  const memories = momentum === 0 ? [] : [directions];
  return {
    learningRate: rate,
    update(parameters, { tensors, scale }, step) {
      const learningRate = rate(step);
      for (const [name, parameter] of parameters) {
        tidy(() => {
          let direction: Tensor = mul(tensors.get(name) as Tensor, scale);
          if (momentum !== 0) {
            const kept = directions.of(name, parameter);
            direction = add(mul(kept, momentum), direction);
            kept.assign(direction);
          }
          parameter.assign(sub(parameter, mul(direction, learningRate)));
        });
      }
    },
    state: () => stateOf(memories),
    restore: (state, parameters) => restoreState(memories, state, parameters),
    dispose: () => directions.dispose(),
  };
}
