/** How a distribution is made from logits. */
export interface DistributionOptions {
  /** Divides the logits: below 1 bolder, above 1 more varied; 0 always takes the likeliest token. Default 1. */
  readonly temperature?: number;
  /** Keep only the K likeliest tokens, and those that equal the K-th. Default: all. */
  readonly topK?: number;
  /** Keep only the smallest set of likeliest tokens whose probabilities add up to P (Holtzman et al. 2020). Default 1. */
  readonly topP?: number;
  /** Keep only tokens at least P times as likely as the likeliest (Nguyen et al. 2024). Default 0. */
  readonly minP?: number;
}

/**
 * softmax(logits / temperature) over the tokens that `topK`, then `topP`, then `minP` keep, in the order that Hugging
 * Face applies them; the others have probability 0. In double precision.
 * @param logits (V), finite or −∞
 * @param best the token with the greatest logit, see {@link likeliestToken}
 */
export function tokenDistribution(
  logits: ArrayLike<number>,
  best: number,
  { temperature = 1, topK = Infinity, topP = 1, minP = 0 }: DistributionOptions,
): Float64Array {
  const probabilities = new Float64Array(logits.length);
  if (temperature === 0) {
    probabilities[best] = 1;
    return probabilities;
  }
  const greatest = logits[best] as number;
  for (let i = 0; i < logits.length; i++) probabilities[i] = Math.exp(((logits[i] as number) - greatest) / temperature);
  if (topK < logits.length) keepTopK(probabilities, topK);
  normalize(probabilities);
  if (topP < 1) normalize(keepTopP(probabilities, topP));
  if (minP > 0) normalize(keepMinP(probabilities, minP));
  return probabilities;
}

/** The first of the greatest logits; −1 − t if that of token t is NaN or +∞, and −1 − V if none of V is finite. */
export function likeliestToken(logits: ArrayLike<number>): number {
  let best = -1 - logits.length;
  let greatest = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    const logit = logits[i] as number;
    if (logit > greatest) [best, greatest] = [i, logit];
    if (!(logit < Infinity)) return -1 - i;
  }
  return best;
}

/** The token that a number from [0, 1) falls on when the probabilities are laid side by side. */
export function pickToken(probabilities: Float64Array, uniform: number): number {
  let last = 0;
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] === 0) continue;
    sum += probabilities[i] as number;
    if (uniform < sum) return i;
    last = i;
  }
  return last; // rounding left the sum a little below 1
}

function keepTopK(weights: Float64Array, count: number): void {
  dropBelow(weights, select(weights.slice(), weights.length - count));
}

/** What stands at `index` when the values are sorted, which this only does as far as it must (Hoare 1961). */
function select(values: Float64Array, index: number): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const pivot = values[(low + high) >> 1] as number;
    let [i, j] = [low, high];
    while (i <= j) {
      while ((values[i] as number) < pivot) i++;
      while ((values[j] as number) > pivot) j--;
      if (i > j) break;
      const value = values[i] as number;
      values[i++] = values[j] as number;
      values[j--] = value;
    }
    if (index <= j) high = j;
    else if (index >= i) low = i;
    else break;
  }
  return values[index] as number;
}

/** Drops the least likely tokens, of equals the first ones first, while those dropped add up to at most 1 − mass. */
function keepTopP(probabilities: Float64Array, mass: number): Float64Array {
  const ascending = probabilities.filter((probability) => probability > 0).sort();
  let dropped = 0;
  let sum = ascending[0] as number;
  while (sum <= 1 - mass && dropped < ascending.length - 1) sum += ascending[++dropped] as number;
  const least = ascending[dropped] as number;
  let equalsToDrop = dropped - ascending.indexOf(least);
  for (let i = 0; i < probabilities.length; i++) {
    const probability = probabilities[i] as number;
    if (probability < least || (probability === least && equalsToDrop-- > 0)) probabilities[i] = 0;
  }
  return probabilities;
}

function keepMinP(probabilities: Float64Array, share: number): Float64Array {
  return dropBelow(probabilities, share * probabilities.reduce((greatest, p) => Math.max(greatest, p), 0));
}

function dropBelow(weights: Float64Array, least: number): Float64Array {
  for (let i = 0; i < weights.length; i++) if ((weights[i] as number) < least) weights[i] = 0;
  return weights;
}

function normalize(weights: Float64Array): void {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  for (let i = 0; i < weights.length; i++) weights[i] = (weights[i] as number) / sum;
}
