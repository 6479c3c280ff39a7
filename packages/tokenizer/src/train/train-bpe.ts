import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { detach } from "../detach.ts";
import { InvalidTrainingOptionError } from "../errors.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { TextSplitter } from "../split/split-text.ts";
import type { TokenId } from "../tokenizer.ts";
import { PairLearner } from "./pair-learner.ts";

/** How far training has come. */
export interface BytePairTrainingProgress {
  /** Ids so far: special tokens, bytes and learned merges. */
  readonly vocabSize: number;
  /** Ids wanted. */
  readonly targetVocabSize: number;
}

/** What {@link trainBytePair} should learn. */
export interface BytePairTrainingOptions {
  /** Number of ids wanted: special tokens + 256 bytes + merges. Fewer come out when the text runs out of pairs. */
  readonly vocabSize: number;
  /** How text is cut into words, see {@link splitPatterns}. Default: GPT-2's; null: each text is one word. */
  readonly pattern?: string | null;
  /** Names of special tokens; they take the first ids. Default: none. Their names in the texts are ordinary text. */
  readonly specialTokens?: readonly string[];
  /** A pair that occurs less often is not merged. Default 1. */
  readonly minFrequency?: number;
  /** Called after every merge. */
  readonly onProgress?: (progress: BytePairTrainingProgress) => void;
}

/**
 * Learns a byte-level BPE vocabulary: merges the most frequent pair of neighbours, again and again (Sennrich et al.
 * 2016). Deterministic, and the same as Hugging Face's `BpeTrainer` with the full byte alphabet: ids are special
 * tokens, bytes in the order of their spelling, then merges; among equally frequent pairs the smallest ids win.
 *
 * @param texts any number of texts; no word reaches over the end of one
 * @throws InvalidTrainingOptionError if `vocabSize` has no room for the bytes and special tokens
 * @throws PieceTooLongError where millions of characters follow each other without a border
 */
export function trainBytePair(texts: Iterable<string>, options: BytePairTrainingOptions): BytePairTokenizer {
  const { vocabSize, pattern = splitPatterns.gpt2, minFrequency = 1, onProgress } = options;
  const specialTokens = new Map([...new Set(options.specialTokens ?? [])].map((name, id) => [name, id]));
  checkOptions(vocabSize, specialTokens, minFrequency);

  const learner = new PairLearner(countWords(texts, pattern), specialTokens.size);
  while (learner.vocabSize < vocabSize && learner.mergeMostFrequent(minFrequency)) {
    onProgress?.({ vocabSize: learner.vocabSize, targetVocabSize: vocabSize });
  }
  return new BytePairTokenizer({ vocabulary: learner.vocabulary, merges: learner.merges(), pattern, specialTokens });
}

function checkOptions(vocabSize: number, specialTokens: ReadonlyMap<string, TokenId>, minFrequency: number): void {
  const smallest = 256 + specialTokens.size;
  if (!Number.isInteger(vocabSize) || vocabSize < smallest) {
    const expected = `a whole number of at least ${smallest} (256 bytes and ${specialTokens.size} special tokens)`;
    throw new InvalidTrainingOptionError("vocabSize", vocabSize, expected);
  }
  if (specialTokens.has("")) throw new InvalidTrainingOptionError("specialTokens", '""', "names that are not empty");
  if (!(minFrequency >= 0)) throw new InvalidTrainingOptionError("minFrequency", minFrequency, "a number from 0");
}

function countWords(texts: Iterable<string>, pattern: string | null): Map<string, number> {
  const splitter = new TextSplitter(pattern);
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (let start = 0; start < text.length; ) {
      const end = splitter.pieceEnd(text, start);
      const word = text.slice(start, end);
      const count = counts.get(word);
      if (count === undefined) counts.set(detach(word), 1);
      else counts.set(word, count + 1);
      start = end;
    }
  }
  return counts;
}
