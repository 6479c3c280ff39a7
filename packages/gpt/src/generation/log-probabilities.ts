/** A token and log p(token), in nats. */
export interface TokenLogProbability {
  readonly token: number;
  readonly logProbability: number;
}

/**
 * logits − log Σ exp(logits): of the model's own distribution, before temperature, penalties and filters, in double
 * precision.
 * @param logits (V)
 */
export function logProbabilities(logits: ArrayLike<number>): Float64Array {
  let greatest = -Infinity;
  for (let i = 0; i < logits.length; i++) greatest = Math.max(greatest, logits[i]);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i] - greatest);
  const offset = greatest + Math.log(sum);
  const result = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) result[i] = logits[i] - offset;
  return result;
}
