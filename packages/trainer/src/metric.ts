import { UnknownMetricError } from "./errors.ts";
import type { EvalEnd } from "./events.ts";

/** A number that evaluations report, and which way it should go. */
export interface Metric {
  /** `validation.loss` is the number `loss` of the evaluation called `validation`. */
  readonly metric: string;
  /** "lowest" by default. */
  readonly goal?: "lowest" | "highest";
}

/** What every evaluation said about the metric, oldest first. @throws UnknownMetricError */
export function history(evaluations: readonly EvalEnd[], { metric }: Metric): { step: number; value: number }[] {
  const dot = metric.lastIndexOf(".");
  const [name, key] = [metric.slice(0, dot), metric.slice(dot + 1)];
  return evaluations
    .filter((evaluation) => evaluation.name === name)
    .map((evaluation) => ({ step: evaluation.step, value: numberIn(evaluation, key, metric) }));
}

/** How much better `value` is than `best`; NaN, which is no improvement, if either is. */
export function gain(value: number, best: number, { goal = "lowest" }: Metric): number {
  return goal === "lowest" ? best - value : value - best;
}

/** What every number improves on. */
export function worst({ goal = "lowest" }: Metric): number {
  return goal === "lowest" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

/** The best of a history; the earliest among equals. */
export function bestOf<P extends { readonly value: number }>(points: readonly P[], metric: Metric): P | undefined {
  let best: P | undefined;
  for (const point of points) if (gain(point.value, best?.value ?? worst(metric), metric) > 0) best = point;
  return best;
}

function numberIn(evaluation: EvalEnd, key: string, metric: string): number {
  const { type: _type, step: _step, name, ...metrics } = evaluation;
  if (!Object.hasOwn(metrics, key)) {
    throw new UnknownMetricError(
      metric,
      Object.keys(metrics).map((known) => `${name}.${known}`),
    );
  }
  const value = metrics[key];
  return typeof value === "number" ? value : Number.NaN; // JSON holds NaN as null
}
