import { type DistributionOptions, likeliestToken, tokenDistribution } from "@tessera-lm/ops";
import { GenerationError } from "../errors.ts";
import { shown } from "../shown.ts";

/**
 * softmax(logits / temperature) over the tokens that `topK`, then `topP`, then `minP` keep, in the order that Hugging
 * Face applies them; the others have probability 0. With temperature 0 the first of the greatest logits has probability 1.
 * @param logits (V) for one position; −∞ rules a token out
 * @throws {GenerationError} for an option out of range, and for logits that no distribution can be made from
 */
export function tokenProbabilities(logits: ArrayLike<number>, options: DistributionOptions = {}): Float64Array {
  checkSamplingOptions(options);
  return tokenDistribution(logits, requireToken(likeliestToken(logits), logits.length), options);
}

/** @throws {GenerationError} naming the option, its value and what it may be */
export function checkSamplingOptions({ temperature = 1, topK = 1, topP = 1, minP = 0 }: DistributionOptions): void {
  const isTemperature = isNumber(temperature) && temperature >= 0 && temperature < Infinity;
  if (!isTemperature) throw outOfRange("temperature", temperature, "0 (the likeliest token) or a positive number");
  if (topK !== Infinity) requireWhole("topK", topK, 1);
  if (!(isNumber(topP) && topP > 0 && topP <= 1)) throw outOfRange("topP", topP, "above 0 and at most 1");
  if (!(isNumber(minP) && minP >= 0 && minP <= 1)) throw outOfRange("minP", minP, "from 0 to 1");
}

/** JavaScript compares texts, lists and true with numbers, too. */
export const isNumber = (value: unknown): boolean => typeof value === "number";

/** @throws {GenerationError} unless the option is a whole number of at least `least` */
export function requireWhole(option: string, value: number, least: number, where = "generate"): void {
  if (Number.isInteger(value) && value >= least) return;
  throw outOfRange(option, value, `a whole number of at least ${least}`, where);
}

export function outOfRange(option: string, value: unknown, expected: string, where = "generate"): GenerationError {
  return new GenerationError(`${where}: ${option} is ${shown(value)}; it must be ${expected}.`);
}

/**
 * A token that was sampled from `vocabSize` logits.
 * @throws {GenerationError} for a negative one, which says that the logits are no numbers
 */
export function requireToken(token: number, vocabSize: number): number {
  if (token >= 0) return token;
  if (token < -vocabSize) throw new GenerationError("generate: no token is possible: there is no finite logit.");
  throw new GenerationError(
    `generate: the logit of token ${-1 - token} is NaN or infinite. The model's weights are damaged, or its training diverged.`,
  );
}
