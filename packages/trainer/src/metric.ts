import { InvalidOptionError, UnknownMetricError } from "./errors.ts";
import type { EvalEnd } from "./events.ts";

/** A number that evaluations report, and which way it should go. */
export interface Metric {
  /** `validation.loss` is the number `loss` of the evaluation called `validation`. */
  readonly metric: string;
  /** "lowest" by default. */
  readonly goal?: "lowest" | "highest";
}

/** A metric whose name was taken apart. */
export interface ParsedMetric extends Required<Metric> {
  /** Of the evaluation. */
  readonly name: string;
  /** Of the number that it reports. */
  readonly key: string;
}

/** NAME.KEY at its last dot, so that names may hold dots. @throws InvalidOptionError naming `option` */
export function parseMetric(option: string, { metric, goal = "lowest" }: Metric): ParsedMetric {
  const [, name, key] = /^(.+)\.([^.]+)$/s.exec(metric) ?? [];
  if (name === undefined || key === undefined) {
    throw new InvalidOptionError(`${option}.metric`, metric, 'NAME.KEY, such as "validation.loss"');
  }
  if (goal !== "lowest" && goal !== "highest") {
    throw new InvalidOptionError(`${option}.goal`, goal, '"lowest" or "highest"');
  }
  return { metric, goal, name, key };
}

/** What every evaluation said about the metric, oldest first. @throws UnknownMetricError */
export function history(evaluations: readonly EvalEnd[], metric: ParsedMetric): { step: number; value: number }[] {
  return evaluations
    .filter(({ name }) => name === metric.name)
    .map((evaluation) => ({ step: evaluation.step, value: numberIn(evaluation, metric) }));
}

/** How much better `value` is than `best`; NaN, which is no improvement, if either is. */
export function gain(value: number, best: number, { goal }: ParsedMetric): number {
  return goal === "lowest" ? best - value : value - best;
}

/** What every number improves on. */
export function worst({ goal }: ParsedMetric): number {
  return goal === "lowest" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
}

/** The best of a history; the earliest among equals. */
export function bestOf<P extends { readonly value: number }>(
  points: readonly P[],
  metric: ParsedMetric,
): P | undefined {
  let best: P | undefined;
  for (const point of points) if (gain(point.value, best?.value ?? worst(metric), metric) > 0) best = point;
  return best;
}

/** The numbers of evaluations by their full names, such as `validation.loss`. */
export function metricsOf(evaluations: readonly EvalEnd[]): string[] {
  const names = evaluations.flatMap(({ type: _type, step: _step, name, ...numbers }) =>
    Object.keys(numbers).map((key) => `${name}.${key}`),
  );
  return [...new Set(names)];
}

function numberIn(evaluation: EvalEnd, { metric, key }: ParsedMetric): number {
  const known = metricsOf([evaluation]);
  if (!known.includes(metric)) throw new UnknownMetricError(metric, known);
  const value = evaluation[key];
  return typeof value === "number" ? value : Number.NaN; // JSON holds NaN as null
}
