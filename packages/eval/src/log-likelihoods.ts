import { breathe, type LanguageModel } from "@tessera-lm/layers";
import type { TokenId, Tokenizer } from "@tessera-lm/tokenizer";
import { checkCount } from "./check-count.ts";
import { type EncodedPair, encodePair, type PairEncoding, type TextPair } from "./encode-pair.ts";
import { asksLastOnly, type Row, scoreRows } from "./score-rows.ts";

/** How probable a model finds a continuation. */
export interface LogLikelihood {
  /** Σ log p(token) over the continuation, in nats. */
  readonly logLikelihood: number;
  /** Whether each token of the continuation was the most probable one: what greedy decoding would write. */
  readonly isGreedy: boolean;
  /** Tokens of the continuation. */
  readonly tokens: number;
  /** Tokens at the start of the context that did not fit the model and were left out. */
  readonly truncated: number;
}

export interface LogLikelihoodOptions {
  /** What an empty context stands for, such as GPT-2's `<|endoftext|>`. Default: an empty context is an error. */
  readonly prefixToken?: TokenId;
  /**
   * Most sequences per forward pass; fewer where their logits would pass 512 MiB. Default 8. Pairs that differ only in
   * their last token, such as the answers A to D, share one sequence.
   */
  readonly batchSize?: number;
  /** Called after each forward pass with the number of pairs done so far and of all pairs. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops between two forward passes or while encoding, by throwing the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * log p(continuation | context) = Σ log p(token | tokens before it) for each pair, in the order given, as
 * lm-evaluation-harness computes it: the pair is encoded as one text, cut at the length of the encoded context.
 * Contexts that do not fit lose their start.
 * @throws UnscorablePairError when a pair has no token to score, or too many.
 * @throws VocabularyError when the model does not have a token of a pair.
 * @throws NotANumberError when the model's logits are NaN.
 * @throws EvaluationOptionError when an option is out of range.
 */
export async function logLikelihoods(
  model: LanguageModel,
  tokenizer: Tokenizer,
  pairs: readonly TextPair[],
  options: LogLikelihoodOptions = {},
): Promise<LogLikelihood[]> {
  const { prefixToken, batchSize = 8, onProgress, signal } = options;
  checkCount("batchSize", batchSize);
  const encoded = await encodePairs(pairs, { model, tokenizer, prefixToken }, signal);
  const results: LogLikelihood[] = Array.from({ length: pairs.length });
  let done = 0;
  for (const rows of batches(shareRows(encoded), batchSize, model.vocabSize)) {
    signal?.throwIfAborted();
    for (const { index, logLikelihood, isGreedy } of await scoreRows(model, rows)) {
      const { targets, truncated } = encoded[index] as EncodedPair;
      results[index] = { logLikelihood, isGreedy, tokens: targets.length, truncated };
      done++;
    }
    onProgress?.(done, pairs.length);
    await breathe();
  }
  return results;
}

/** Breathes after each pair: to encode thousands takes seconds. */
async function encodePairs(
  pairs: readonly TextPair[],
  encoding: PairEncoding,
  signal: AbortSignal | undefined,
): Promise<EncodedPair[]> {
  const encoded: EncodedPair[] = [];
  for (const [index, pair] of pairs.entries()) {
    signal?.throwIfAborted();
    encoded.push(encodePair(pair, index, encoding));
    await breathe();
  }
  return encoded;
}

/**
 * One row per distinct sequence of inputs: first those that ask about their last position only, then the others, each
 * the longest first, so that rows of a batch are of similar length.
 */
function shareRows(encoded: readonly EncodedPair[]): Row[] {
  const rows = new Map<string, Row>();
  for (const [index, { inputs, targets }] of encoded.entries()) {
    const key = inputs.join();
    const row = rows.get(key) ?? { inputs, pairs: [] };
    row.pairs.push({ index, targets });
    rows.set(key, row);
  }
  const kind = (row: Row): number => (asksLastOnly(row) ? 0 : 1);
  return [...rows.values()].sort((a, b) => kind(a) - kind(b) || b.inputs.length - a.inputs.length);
}

/** Logits of one forward pass at most: 512 MiB of them. */
const MOST_LOGITS = 2 ** 27;

function* batches(rows: readonly Row[], batchSize: number, vocabSize: number): Generator<readonly Row[]> {
  let batch: Row[] = [];
  for (const row of rows) {
    const [longest = row] = batch;
    const positions = asksLastOnly(longest) ? 1 : longest.inputs.length;
    const full = batch.length >= Math.max(1, Math.min(batchSize, MOST_LOGITS / (positions * vocabSize)));
    if (full || !fitTogether(longest, row)) {
      yield batch;
      batch = [];
    }
    batch.push(row);
  }
  if (batch.length > 0) yield batch;
}

/** Last positions are at the same place only in rows of the same length; other rows are padded. */
function fitTogether(longest: Row, row: Row): boolean {
  if (asksLastOnly(longest)) return asksLastOnly(row) && longest.inputs.length === row.inputs.length;
  return true;
}
