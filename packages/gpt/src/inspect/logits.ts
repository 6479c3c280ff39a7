import { indicesOfGreatest } from "../indices-of-greatest.ts";

/** A token and how probable it is. */
export interface Candidate {
  readonly token: number;
  readonly probability: number;
}

/** What one row of logits says. */
export interface Prediction {
  /** The most probable tokens, the best first. */
  readonly top: readonly Candidate[];
  /** The probability of one token, and how many are more probable; absent where none was asked for. */
  readonly probability?: number;
  readonly rank?: number;
}

/** softmax(logits) in short: the best `count`, and where `token` stands. */
export function predictionOf(logits: Float32Array, count: number, token?: number): Prediction {
  let max = Number.NEGATIVE_INFINITY;
  for (const logit of logits) max = Math.max(max, logit);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - max);
  const probabilityOf = (id: number): number => Math.exp((logits[id] as number) - max) / total;
  const top = indicesOfGreatest(logits, count).map((id) => ({ token: id, probability: probabilityOf(id) }));
  if (token === undefined) return { top };
  const own = logits[token] as number;
  let rank = 0;
  for (const logit of logits) if (logit > own) rank++;
  return { top, probability: probabilityOf(token), rank };
}
