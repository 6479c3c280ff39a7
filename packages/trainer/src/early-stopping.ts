import { checkCount, checkNotNegative } from "./check-number.ts";
import { UnknownMetricError } from "./errors.ts";
import type { EvalEnd } from "./events.ts";
import { gain, history, type Metric, metricsOf, type ParsedMetric, parseMetric, worst } from "./metric.ts";

export interface EarlyStopping extends Metric {
  /** How many evaluations in a row may pass without an improvement. */
  readonly patience: number;
  /** What counts as an improvement: more than this; 0 by default. */
  readonly minImprovement?: number;
}

/** Early stopping whose options were checked. */
export type ParsedEarlyStopping = ParsedMetric & Required<EarlyStopping>;

/** @throws InvalidOptionError */
export function parseEarlyStopping(options: EarlyStopping): ParsedEarlyStopping {
  const { patience, minImprovement = 0 } = options;
  checkCount("earlyStopping.patience", patience, 1);
  checkNotNegative("earlyStopping.minImprovement", minImprovement);
  return { ...parseMetric("earlyStopping", options), patience, minImprovement };
}

/** Whether the metric has not improved for `patience` evaluations. It needs no memory beyond the evaluations. */
export function outOfPatience(evaluations: readonly EvalEnd[], options: ParsedEarlyStopping): boolean {
  const { patience, minImprovement } = options;
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

/** At least one evaluation must bear the name that early stopping looks for. @throws UnknownMetricError */
export function requireReported(evaluations: readonly EvalEnd[], { name, metric }: ParsedEarlyStopping): void {
  if (!evaluations.some((evaluation) => evaluation.name === name)) {
    throw new UnknownMetricError(metric, metricsOf(evaluations));
  }
}
