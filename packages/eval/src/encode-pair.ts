import { checkTokens, type LanguageModel } from "@tessera-lm/layers";
import type { TokenId, Tokenizer } from "@tessera-lm/tokenizer";
import { UnscorablePairError } from "./errors.ts";

/** A text to score, and the text that it continues. A space between the two belongs to the continuation. */
export interface TextPair {
  readonly context: string;
  readonly continuation: string;
}

/** The inputs of a model, and the tokens that its last predictions are to be compared with. */
export interface EncodedPair {
  /** At most the context length; cut on the left. */
  readonly inputs: readonly TokenId[];
  /** The tokens of the continuation: targets of the last `targets.length` inputs. */
  readonly targets: readonly TokenId[];
  /** Tokens of the context that did not fit. */
  readonly truncated: number;
}

/** What encoding a pair depends on, besides its texts. */
export interface PairEncoding {
  readonly model: Pick<LanguageModel, "contextLength" | "vocabSize">;
  readonly tokenizer: Tokenizer;
  readonly prefixToken?: TokenId;
}

/**
 * Encodes context and continuation as one text and cuts it at the length of the encoded context, after moving the
 * context's trailing white space to the continuation, as lm-evaluation-harness does. An empty context is the prefix
 * token.
 * @throws UnscorablePairError when no token is left to score, the continuation alone is too long, or the context is
 * empty and there is no prefix token.
 * @throws VocabularyError when the model does not have a token of the pair.
 */
export function encodePair(pair: TextPair, index: number, encoding: PairEncoding): EncodedPair {
  const { context, continuation } = splitTokens(pair, index, encoding);
  const fail = (problem: string): never => {
    throw new UnscorablePairError(index, pair.continuation, problem);
  };
  if (continuation.length === 0) fail("it adds no token to its context");
  const { model } = encoding;
  if (continuation.length > model.contextLength) {
    fail(`its ${continuation.length} tokens do not fit the context length of ${model.contextLength}`);
  }
  const whole = [...context, ...continuation];
  checkTokens(whole, model.vocabSize);
  const truncated = Math.max(0, whole.length - 1 - model.contextLength);
  return { inputs: whole.slice(truncated, -1), targets: continuation, truncated };
}

interface PairTokens {
  readonly context: readonly TokenId[];
  readonly continuation: readonly TokenId[];
}

function splitTokens(pair: TextPair, index: number, { tokenizer, prefixToken }: PairEncoding): PairTokens {
  if (pair.context === "") return afterPrefix([...tokenizer.encode(pair.continuation)], pair, index, prefixToken);
  const context = pair.context.trimEnd();
  const continuation = pair.context.slice(context.length) + pair.continuation;
  const whole = [...tokenizer.encode(context + continuation)];
  const length = tokenizer.encode(context).length;
  if (length === 0) return afterPrefix(whole, pair, index, prefixToken);
  return { context: whole.slice(0, length), continuation: whole.slice(length) };
}

/** A continuation that begins with the prefix token itself brings its own context. */
function afterPrefix(
  ids: readonly TokenId[],
  { continuation }: TextPair,
  index: number,
  prefix: TokenId | undefined,
): PairTokens {
  if (prefix === undefined) {
    throw new UnscorablePairError(index, continuation, "its context is empty; give the option prefixToken");
  }
  return ids[0] === prefix
    ? { context: [prefix], continuation: ids.slice(1) }
    : { context: [prefix], continuation: ids };
}
