import type { EvalEnd } from "./events.ts";
import { gain, history, type Metric, worst } from "./metric.ts";

export interface EarlyStopping extends Metric {
  /** How many evaluations in a row may pass without an improvement. */
  readonly patience: number;
  /** What counts as an improvement: more than this; 0 by default. */
  readonly minImprovement?: number;
}

/** Whether the metric has not improved for `patience` evaluations. It needs no memory beyond the evaluations. */
export function outOfPatience(evaluations: readonly EvalEnd[], options: EarlyStopping): boolean {
  const { patience, minImprovement = 0 } = options;
  let best = worst(options);
  let waited = 0;
  for (const { value } of history(evaluations, options)) {
    const improved = gain(value, best, options) > minImprovement;
    waited = improved ? 0 : waited + 1;
    if (improved) best = value;
    if (waited >= patience) return true;
  }
  return false;
}
