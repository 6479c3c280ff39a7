import { GenerationError } from "./errors.ts";

/** How a distribution is made from logits. */
export interface SamplingOptions {
  /** Divides the logits: below 1 bolder, above 1 more varied; 0 always takes the likeliest token. Default 1. */
  readonly temperature?: number;
  /** Keep only the K likeliest tokens, and those that equal the K-th. Default: all. */
  readonly topK?: number;
  /** Keep only the smallest set of likeliest tokens whose probabilities add up to P (Holtzman et al. 2020). Default 1. */
  readonly topP?: number;
}

/**
 * softmax(logits / temperature) over the tokens that `topK` and then `topP` keep, in the order that Hugging Face applies
 * them; the others have probability 0. With temperature 0 the first of the greatest logits has probability 1.
 * @param logits (V) for one position; −∞ rules a token out
 * @throws {GenerationError} for an option out of range, and for logits that no distribution can be made from
 */
export function tokenProbabilities(logits: ArrayLike<number>, options: SamplingOptions = {}): Float64Array {
  checkSamplingOptions(options);
  const { temperature = 1, topK = Infinity, topP = 1 } = options;
  const best = indexOfGreatest(logits);
  const probabilities = new Float64Array(logits.length);
  if (temperature === 0) {
    probabilities[best] = 1;
    return probabilities;
  }
  for (let i = 0; i < logits.length; i++) probabilities[i] = Math.exp((logits[i] - logits[best]) / temperature);
  if (topK < logits.length) keepTopK(probabilities, topK);
  normalize(probabilities);
  if (topP < 1) normalize(keepTopP(probabilities, topP));
  return probabilities;
}

/** The token that a number from [0, 1) falls on when the probabilities are laid side by side. */
export function pickToken(probabilities: Float64Array, uniform: number): number {
  let last = 0;
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] === 0) continue;
    sum += probabilities[i];
    if (uniform < sum) return i;
    last = i;
  }
  return last; // rounding left the sum a little below 1
}

/** @throws {GenerationError} naming the option, its value and what it may be */
export function checkSamplingOptions({ temperature = 1, topK = 1, topP = 1 }: SamplingOptions): void {
  const isTemperature = temperature >= 0 && temperature < Infinity;
  if (!isTemperature) throw outOfRange("temperature", temperature, "0 (the likeliest token) or a positive number");
  if (!Number.isInteger(topK) || topK < 1) throw outOfRange("topK", topK, "a whole number of at least 1");
  if (!(topP > 0 && topP <= 1)) throw outOfRange("topP", topP, "above 0 and at most 1");
}

export function outOfRange(option: string, value: unknown, expected: string): GenerationError {
  return new GenerationError(`generate: ${option} is ${String(value)}; it must be ${expected}.`);
}

/** The first of the greatest logits. */
function indexOfGreatest(logits: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    if (Number.isNaN(logits[i]) || logits[i] === Infinity) {
      throw new GenerationError(
        `generate: the logit of token ${i} is ${logits[i]}. The model's weights are damaged, or its training diverged.`,
      );
    }
    if (logits[i] > logits[best]) best = i;
  }
  if (!(logits[best] > -Infinity))
    throw new GenerationError("generate: no token is possible: there is no finite logit.");
  return best;
}

function keepTopK(weights: Float64Array, count: number): void {
  const least = weights.slice().sort()[weights.length - count];
  for (let i = 0; i < weights.length; i++) if (weights[i] < least) weights[i] = 0;
}

/** Drops the least likely tokens for as long as those dropped add up to at most 1 − mass; always leaves one. */
function keepTopP(probabilities: Float64Array, mass: number): Float64Array {
  const ascending = probabilities.slice().sort();
  let dropped = 0;
  for (let sum = ascending[0]; sum <= 1 - mass && dropped < ascending.length - 1; sum += ascending[dropped]) dropped++;
  const least = ascending[dropped];
  let equalsToDrop = dropped - ascending.indexOf(least);
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i] < least || (probabilities[i] === least && equalsToDrop-- > 0)) probabilities[i] = 0;
  }
  return probabilities;
}

function normalize(weights: Float64Array): void {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  for (let i = 0; i < weights.length; i++) weights[i] /= sum;
}
