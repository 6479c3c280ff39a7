import fc from "fast-check";
import { expect, test } from "vitest";
import { WordCounts } from "./word-counts.ts";

function counted(words: WordCounts): Map<string, number> {
  return new Map(Array.from({ length: words.size }, (_, word) => [words.word(word), words.count(word)]));
}

test("counts as a Map does", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 3 })), (list) => {
      const words = new WordCounts();
      const expected = new Map<string, number>();
      for (const word of list) {
        words.add(`<${word}>`, 1, 1 + word.length);
        expected.set(word, (expected.get(word) ?? 0) + 1);
      }
      expect(counted(words)).toEqual(expected);
    }),
  );
});

test("a million distinct words are all there, each twice", () => {
  const words = new WordCounts();
  for (let i = 0; i < 2_000_000; i++) {
    const word = ` ${(i % 1_000_000).toString(36)}`;
    words.add(word, 0, word.length);
  }
  expect(words.size).toBe(1_000_000);
  expect(words.count(0)).toBe(2);
  expect(words.word(999_999)).toBe(` ${(999_999).toString(36)}`);
});

test("a byte order mark stays, a lone surrogate becomes U+FFFD", () => {
  const words = new WordCounts();
  for (const word of ["\ufeffa", "\ud800"]) words.add(word, 0, word.length);
  expect([...counted(words).keys()]).toEqual(["\ufeffa", "\ufffd"]);
});
