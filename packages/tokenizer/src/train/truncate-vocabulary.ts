import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import type { Merge } from "../byte-pair/merges.ts";
import { InvalidArgumentError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import { InvalidTrainingOptionError } from "./errors.ts";
import { requireWhole } from "./options.ts";

/**
 * The tokenizer that training to a smaller size would have given: BPE learns its tokens one after the other, so that
 * every smaller vocabulary is the beginning of a larger one. One run of training serves to compare many sizes.
 *
 * @param tokenizer one that `trainBytePair` made, or any whose ids are in the order of its merges
 * @param vocabSize ids to keep, special tokens included
 * @throws InvalidArgumentError for another kind of tokenizer
 * @throws InvalidTrainingOptionError if there are fewer ids, or a byte or special token would be lost
 */
export function truncateVocabulary(tokenizer: BytePairTokenizer, vocabSize: number): BytePairTokenizer {
  if (!(tokenizer instanceof BytePairTokenizer))
    throw new InvalidArgumentError("tokenizer", tokenizer, "one of byte-level BPE");
  const { definition, specialTokens } = tokenizer;
  const least = 256 + specialTokens.size;
  requireWhole("vocabSize", vocabSize, least, `256 bytes and ${specialTokens.size} special tokens`);
  const [first, last] = [Math.max(-1, ...specialTokens.values()) + 1, tokenizer.vocabSize];
  if (vocabSize < first || vocabSize > last) {
    const range = `a number from ${Math.max(least, first)} to ${last}`;
    const reason = first > least ? `: ${first - 1} is the id of a special token, which is kept` : "";
    throw new InvalidTrainingOptionError("vocabSize", vocabSize, range + reason);
  }
  const vocabulary = new Map([...definition.vocabulary].filter(([, id]) => id < vocabSize));
  const merges = definition.merges && mergesUpTo(vocabSize, definition.merges, definition.vocabulary);
  return new BytePairTokenizer({ ...definition, vocabulary, ...(merges && { merges }) });
}

/** The merges that had been learned when the vocabulary had its first `vocabSize` ids. */
function mergesUpTo(vocabSize: number, merges: readonly Merge[], vocabulary: ReadonlyMap<string, TokenId>): Merge[] {
  const end = merges.findIndex(([left, right]) => (vocabulary.get(left + right) as TokenId) >= vocabSize);
  return merges.slice(0, end < 0 ? merges.length : end);
}
