import { NothingToScoreError } from "./errors.ts";

/** A mean over items, and how far chance alone may have moved it. */
export interface Score {
  /** The mean. */
  readonly value: number;
  /** Sample standard deviation / √n; NaN for a single item, which says nothing of its spread. */
  readonly standardError: number;
  /** How many items the mean is over. */
  readonly count: number;
}

/**
 * mean = Σx / n, with the standard error √(Σ(x − mean)² / (n − 1)) / √n.
 * @throws NothingToScoreError when there are no values.
 */
export function meanScore(values: readonly number[]): Score {
  const count = values.length;
  if (count === 0) throw new NothingToScoreError("a mean over no values", "Give at least one item.");
  const value = sum(values) / count;
  const squares = sum(values.map((x) => (x - value) ** 2));
  return { value, standardError: Math.sqrt(squares / (count - 1)) / Math.sqrt(count), count };
}

/**
 * The score of several groups of items taken together: mean = Σ nᵢ·meanᵢ / Σ nᵢ, with the standard error
 * √(Σ (nᵢ − 1)·nᵢ·seᵢ² / (Σ nᵢ − k) / Σ nᵢ) of the pooled variance of k groups, as lm-evaluation-harness reports it.
 * A group of one item has no variance and adds none; if all are, the standard error is NaN.
 * @throws NothingToScoreError when there are no scores.
 */
export function pooledScore(scores: readonly Score[]): Score {
  const count = sum(scores.map((score) => score.count));
  if (count === 0) throw new NothingToScoreError("a mean over no groups", "Give at least one group.");
  const value = sum(scores.map((score) => score.value * score.count)) / count;
  const squares = sum(scores.map(sumOfSquares));
  return { value, standardError: Math.sqrt(squares / (count - scores.length) / count), count };
}

/** Σ(x − mean)² of a score's items, recovered from its standard error. */
function sumOfSquares({ standardError, count }: Score): number {
  return count === 1 ? 0 : (count - 1) * count * standardError ** 2;
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
