import { requireText, requireTexts } from "../arguments.ts";
import { TextSplitter } from "../split/split-text.ts";
import type { TrainingOptions } from "./options.ts";
import { WordCounts } from "./word-counts.ts";

/** Counts the words of one text. */
export type CountWords = (text: string, words: WordCounts) => void;

/**
 * Reads texts one after the other, keeps nothing but the distinct words, and makes something of them: at once, or,
 * where the texts themselves come later, in a promise.
 *
 * @throws InvalidArgumentError for what are no texts
 */
export function readTexts<T>(
  texts: Iterable<string> | AsyncIterable<string>,
  countWords: CountWords,
  { onProgress }: TrainingOptions,
  learn: (words: WordCounts) => T,
): T | Promise<T> {
  const words = new WordCounts();
  let numTexts = 0;
  const read = (text: string): void => {
    requireText(text);
    countWords(text, words);
    onProgress?.({ stage: "read", numTexts: ++numTexts, numDistinctWords: words.size });
  };
  if (comeLater(texts)) return readLater(texts, read).then(() => learn(words));
  requireTexts(texts);
  for (const text of texts) read(text);
  return learn(words);
}

function comeLater(texts: Iterable<string> | AsyncIterable<string>): texts is AsyncIterable<string> {
  return Symbol.asyncIterator in Object(texts);
}

async function readLater(texts: AsyncIterable<string>, read: (text: string) => void): Promise<void> {
  for await (const text of texts) read(text);
}

/** Counts the pieces into which a split pattern cuts a text; null: the text is one. */
export function countPieces(pattern: string | null): CountWords {
  const splitter = new TextSplitter(pattern);
  return (text, words) => {
    for (const { bytes, length, pieceEnd } of splitter.stretches(text)) {
      for (let start = 0; start < length; ) {
        const end = pieceEnd(bytes, start, length);
        words.add(bytes, start, end);
        start = end;
      }
    }
  };
}
