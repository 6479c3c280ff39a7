import { checkTokens, type LanguageModel } from "@tessera-lm/layers";
import type { TokenId, Tokenizer } from "@tessera-lm/tokenizer";
import { NothingToScoreError } from "./errors.ts";
import type { LossReport } from "./loss-report.ts";
import { checkedContextLength, scoreWindows, type WindowOptions } from "./perplexity.ts";
import { readWindows, rollingSpans, type TokenWindow, withPrefix } from "./windows.ts";

/** A sum of losses and the length of the text that it is the price of. */
export interface PricedBytes {
  /** Σ −log p over the tokens of the text. */
  readonly nats: number;
  /** UTF-8 bytes of the text. Special tokens have none, and their nats must not be in the sum either. */
  readonly bytes: number;
}

/**
 * bits per byte = Σ nats / (ln 2 · Σ bytes): the loss without the tokenizer's part in it, hence comparable between
 * models with different vocabularies.
 * @throws NothingToScoreError when there are no bytes.
 */
export function bitsPerByte({ nats, bytes }: PricedBytes): number {
  if (!(bytes > 0)) throw new NothingToScoreError(`the text has ${bytes} bytes`, "Give a text that is not empty.");
  return nats / (Math.LN2 * bytes);
}

export interface TextPerplexityOptions extends WindowOptions {
  /**
   * The token in front of each document, from which its first token is predicted: the one that separates documents in
   * training, such as GPT-2's `<|endoftext|>`. It is never scored.
   */
  readonly prefixToken: TokenId;
}

export interface TextLossReport extends LossReport, PricedBytes {
  readonly bitsPerByte: number;
  /** Pieces between white space, an empty one at an end included, as lm-evaluation-harness counts them. */
  readonly words: number;
  /** exp(Σ nats / words). */
  readonly wordPerplexity: number;
}

/**
 * Perplexity per token and per word, and bits per byte, of documents. Each is scored on its own, in rolling windows as
 * in `perplexity`; each token of the text exactly once. Names of special tokens in the text are ordinary text.
 * @throws NothingToScoreError when the documents hold no text.
 * @throws VocabularyError when the model does not have a token of the text.
 */
export async function textPerplexity(
  model: LanguageModel,
  tokenizer: Tokenizer,
  documents: Iterable<string>,
  options: TextPerplexityOptions,
): Promise<TextLossReport> {
  const size = { bytes: 0, words: 0 };
  const contextLength = checkedContextLength(model, options);
  checkTokens([options.prefixToken], model.vocabSize);
  function* windows(): Generator<TokenWindow> {
    for (const document of documents) {
      size.bytes += utf8Length(document);
      size.words += document.split(/\s+/u).length;
      const ids = tokenizer.encode(document);
      checkTokens(ids, model.vocabSize);
      yield* documentWindows(ids, options.prefixToken, contextLength);
    }
  }
  const report = await scoreWindows(model, windows(), options);
  const priced = { nats: report.nats, ...size };
  return { ...report, ...size, bitsPerByte: bitsPerByte(priced), wordPerplexity: Math.exp(report.nats / size.words) };
}

/** Length of a text in UTF-8 bytes. */
export const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

function documentWindows(ids: Uint32Array, prefixToken: TokenId, contextLength: number): Generator<TokenWindow> {
  const tokens = {
    length: ids.length,
    read: (start: number, end: number) => Int32Array.from(ids.subarray(start, end)),
  };
  const sequence = withPrefix(prefixToken, tokens);
  return readWindows(sequence, rollingSpans(sequence.length, contextLength));
}
