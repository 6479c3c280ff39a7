import { alphabetOrder, byteCharacters } from "../byte-alphabet.ts";
import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { TokenId } from "../tokenizer.ts";
import { noOptions, requireFrequency, requireWhole, specialNames, type TrainingOptions } from "./options.ts";
import { PairLearner } from "./pair-learner.ts";
import { countPieces, readTexts } from "./read-texts.ts";
import { Vocabulary } from "./vocabulary.ts";
import type { WordCounts } from "./word-counts.ts";
import { WordSymbols } from "./word-symbols.ts";

/** What {@link trainBytePair} should learn. `vocabSize` counts special tokens, 256 bytes and merges. */
export interface BytePairTrainingOptions extends TrainingOptions {
  /** How text is cut into words, see {@link splitPatterns}. Default: GPT-2's; null: each text is one word. */
  readonly pattern?: string | null;
  /** A pair that occurs less often is not merged. Default 1. */
  readonly minFrequency?: number;
}

/**
 * Learns a byte-level BPE vocabulary: merges the most frequent pair of neighbours, again and again (Sennrich et al.
 * 2016). Deterministic, and the same as Hugging Face's `BpeTrainer` with the full byte alphabet: ids are special
 * tokens, bytes in the order of their spelling, then merges; among equally frequent pairs the smallest ids win.
 *
 * Memory grows with the number of distinct words, not with the texts.
 *
 * @param texts any number of texts; no word reaches over the end of one. Texts that come later make a promise
 * @throws InvalidArgumentError for what are no texts
 * @throws InvalidTrainingOptionError if `vocabSize` has no room for the bytes and special tokens
 * @throws PieceTooLongError where millions of characters follow each other without a border
 */
export function trainBytePair(texts: Iterable<string>, options: BytePairTrainingOptions): BytePairTokenizer;
export function trainBytePair(
  texts: AsyncIterable<string>,
  options: BytePairTrainingOptions,
): Promise<BytePairTokenizer>;
export function trainBytePair(
  texts: Iterable<string> | AsyncIterable<string>,
  options: BytePairTrainingOptions = noOptions,
): BytePairTokenizer | Promise<BytePairTokenizer> {
  const { vocabSize, pattern = splitPatterns.gpt2, minFrequency = 1 } = options;
  const names = specialNames(options);
  requireWhole("vocabSize", vocabSize, 256 + names.length, `256 bytes and ${names.length} special tokens`);
  requireFrequency(minFrequency);

  return readTexts(texts, countPieces(pattern), options, (words) => {
    const vocabulary = new Vocabulary(names.length);
    for (const byte of alphabetOrder) vocabulary.add(byteCharacters[byte] as string);
    const learner = new PairLearner(spellBytes(words, vocabulary), vocabulary);
    const merges = learner.learn(minFrequency, options);
    const specialTokens = new Map(names.map((name, id) => [name, id]));
    return new BytePairTokenizer({ vocabulary: vocabulary.ids, merges, pattern, specialTokens });
  });
}

/** The words as ids of their UTF-8 bytes. */
function spellBytes(words: WordCounts, vocabulary: Vocabulary): WordSymbols {
  const byteIds = byteCharacters.map((character) => vocabulary.ids.get(character) as TokenId);
  const symbols = new WordSymbols();
  for (let word = 0; word < words.size; word++) {
    const bytes = words.bytesOf(word);
    const ids = new Int32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) ids[i] = byteIds[bytes[i] as number] as TokenId;
    symbols.add(ids, words.count(word));
  }
  return symbols;
}
