import type { TokenSource } from "@tessera-lm/data";
import { checkTokens, type LanguageModel } from "@tessera-lm/layers";
import type { TokenId } from "@tessera-lm/tokenizer";
import { checkCount } from "./check-count.ts";
import { evaluateLoss } from "./evaluate-loss.ts";
import type { LossReport } from "./loss-report.ts";
import { readWindows, rollingSpans, stridedSpans, type TokenWindow, windowBatches, withPrefix } from "./windows.ts";

export interface WindowOptions {
  /** Most tokens that the model sees at once. Default: the model's context length, which it may not exceed. */
  readonly contextLength?: number;
  /** Windows per forward pass. Default 4. */
  readonly batchSize?: number;
  /** Stops between two forward passes, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface PerplexityOptions extends WindowOptions {
  /**
   * Tokens between the starts of two windows. With it, each window scores only what the windows before have not
   * covered, with the rest as context: closer to the model's best the smaller the stride, and slower. Without it,
   * windows are disjoint: each token is an input once (only the last window reaches back to fill its context).
   */
  readonly stride?: number;
  /** A token to stand in front of all, so that the first one is predicted too. Default: the first is context only. */
  readonly prefixToken?: TokenId;
  /** Stop after so many windows. Default: all. */
  readonly maxWindows?: number;
}

/**
 * perplexity = exp(Σ −log p(tokenᵢ | tokens before it in its window) / number of scored tokens).
 *
 * Without `stride`: the rolling windows of lm-evaluation-harness; with it: the windows of the transformers documentation
 * on perplexity. Every token is weighed the same and scored exactly once, except that without a prefix the first token
 * of all is not scored, nor, when the stride equals the context length, the first of each window.
 * @throws NothingToScoreError when there are too few tokens.
 * @throws VocabularyError when the model does not have a token.
 * @throws EvaluationOptionError when an option is out of range.
 */
export async function perplexity(
  model: LanguageModel,
  tokens: TokenSource,
  options: PerplexityOptions = {},
): Promise<LossReport> {
  const { prefixToken, maxWindows = Number.POSITIVE_INFINITY } = options;
  if (prefixToken !== undefined) checkTokens([prefixToken], model.vocabSize);
  checkCount("maxWindows", maxWindows);
  const sequence = prefixToken === undefined ? tokens : withPrefix(prefixToken, tokens);
  return scoreWindows(model, take(readWindows(sequence, spans(sequence.length, model, options)), maxWindows), options);
}

/** The mean loss over the scored tokens of windows. */
export function scoreWindows(
  model: LanguageModel,
  windows: Iterable<TokenWindow>,
  options: WindowOptions,
): Promise<LossReport> {
  const { batchSize = 4, signal } = options;
  checkCount("batchSize", batchSize);
  return evaluateLoss(model, windowBatches(windows, batchSize), { signal });
}

/** The context length to use: the option's, within the model's. */
export function checkedContextLength(model: LanguageModel, options: WindowOptions): number {
  const { contextLength = model.contextLength } = options;
  checkCount("contextLength", contextLength, model.contextLength);
  return contextLength;
}

function spans(length: number, model: LanguageModel, options: PerplexityOptions): ReturnType<typeof rollingSpans> {
  const contextLength = checkedContextLength(model, options);
  if (options.stride === undefined) return rollingSpans(length, contextLength);
  checkCount("stride", options.stride, contextLength);
  return stridedSpans(length, contextLength, options.stride);
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let taken = 0;
  for (const item of items) {
    yield item;
    if (++taken >= count) return;
  }
}
