import type { TokenId } from "../tokenizer.ts";
import { spellCharacters } from "./alphabet.ts";
import { requireFrequency, requireWhole, specialNames, type TrainingOptions } from "./options.ts";
import { PairLearner } from "./pair-learner.ts";
import { readTexts } from "./read-texts.ts";
import { Vocabulary } from "./vocabulary.ts";
import type { WordCounts } from "./word-counts.ts";

/** What {@link trainWordPiece} should learn. `vocabSize` counts special tokens, characters and merges. */
export interface WordPieceTrainingOptions extends TrainingOptions {
  /** A pair that occurs less often is not merged. Default 1. */
  readonly minFrequency?: number;
  /** Keep only so many characters, the most frequent. Default: all, even where `vocabSize` is smaller. */
  readonly limitAlphabet?: number;
  /** What a token that continues a word begins with. Default `##`. */
  readonly continuingPrefix?: string;
}

/** A trained WordPiece vocabulary. */
export interface WordPieceDefinition {
  /** All tokens, the special ones too, and their ids. */
  readonly vocabulary: ReadonlyMap<string, TokenId>;
  readonly specialTokens: ReadonlyMap<string, TokenId>;
  readonly continuingPrefix: string;
}

/**
 * Learns a WordPiece vocabulary (Schuster and Nakajima 2012; as Hugging Face's `WordPieceTrainer`): BPE on characters,
 * where a token that continues a word is spelled with `##`. Words are cut as BERT's are: white space separates them,
 * and every punctuation mark is one of its own. Ids are special tokens, characters by code point, continuing ones by
 * code point, then merges; among equally frequent pairs the smallest ids win. (Hugging Face's trainer numbers the
 * continuing characters in a random order, so that its vocabulary differs from run to run where pairs tie.)
 *
 * @param texts any number of texts, normalised (lower case, …) as the tokenizer will. Texts that come later make a promise
 * @throws InvalidTrainingOptionError if an option is out of range
 */
export function trainWordPiece(texts: Iterable<string>, options: WordPieceTrainingOptions): WordPieceDefinition;
export function trainWordPiece(
  texts: AsyncIterable<string>,
  options: WordPieceTrainingOptions,
): Promise<WordPieceDefinition>;
export function trainWordPiece(
  texts: Iterable<string> | AsyncIterable<string>,
  options: WordPieceTrainingOptions,
): WordPieceDefinition | Promise<WordPieceDefinition> {
  const { vocabSize, minFrequency = 1, limitAlphabet, continuingPrefix = "##" } = options;
  const names = specialNames(options);
  requireWhole("vocabSize", vocabSize, Math.max(1, names.length), `${names.length} special tokens`);
  requireFrequency(minFrequency);
  if (limitAlphabet !== undefined) requireWhole("limitAlphabet", limitAlphabet, 1);

  return readTexts(texts, countBertWords, options, (words) => {
    const vocabulary = new Vocabulary();
    const specialTokens = new Map(names.map((name) => [name, vocabulary.add(name)]));
    const alphabet = { limit: limitAlphabet ?? Number.POSITIVE_INFINITY, prefix: continuingPrefix };
    const symbols = spellCharacters(words, vocabulary, alphabet);
    new PairLearner(symbols, vocabulary, continuingPrefix).learn(minFrequency, options);
    return { vocabulary: vocabulary.ids, specialTokens, continuingPrefix };
  });
}

/** A word, or a punctuation mark: Unicode's, and to BERT every visible ASCII character that is no letter or digit. */
const bertWord = /[^\p{White_Space}\p{P}$+<=>^`|~]+|[\p{P}$+<=>^`|~]/gu;

function countBertWords(text: string, words: WordCounts): void {
  for (const { 0: word, index } of text.matchAll(bertWord)) words.add(text, index, index + word.length);
}
