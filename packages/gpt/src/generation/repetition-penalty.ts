/**
 * Logits in which every token that has come is less likely: positive ones divided by the penalty, negative ones
 * multiplied by it (Keskar et al. 2019, as Hugging Face does it).
 * @param logits (V)
 * @param tokens the prompt and what follows it
 */
export function penalizeRepetition(logits: Float32Array, tokens: Iterable<number>, penalty: number): Float32Array {
  const penalized = logits.slice();
  for (const token of new Set(tokens)) {
    const logit = logits[token];
    penalized[token] = logit < 0 ? logit * penalty : logit / penalty;
  }
  return penalized;
}
