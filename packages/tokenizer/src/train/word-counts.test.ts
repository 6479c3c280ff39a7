import fc from "fast-check";
import { expect, test } from "vitest";
import { WordCounts } from "./word-counts.ts";

const utf8 = new TextEncoder();

function add(words: WordCounts, text: string, before = "", after = ""): void {
  const [start, size] = [utf8.encode(before).length, utf8.encode(text).length];
  words.add(utf8.encode(before + text + after), start, start + size);
}

function counted(words: WordCounts): Map<string, number> {
  return new Map(Array.from({ length: words.size }, (_, word) => [words.word(word), words.count(word)]));
}

test("counts as a Map does", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 3 })), (list) => {
      const words = new WordCounts();
      const expected = new Map<string, number>();
      for (const word of list) {
        add(words, word, "<", ">");
        expected.set(word, (expected.get(word) ?? 0) + 1);
      }
      expect(counted(words)).toEqual(expected);
    }),
  );
});

test("a million distinct words are all there, each twice", () => {
  const words = new WordCounts();
  for (let i = 0; i < 2_000_000; i++) {
    add(words, ` ${(i % 1_000_000).toString(36)}`);
  }
  expect(words.size).toBe(1_000_000);
  expect(words.count(0)).toBe(2);
  expect(words.word(999_999)).toBe(` ${(999_999).toString(36)}`);
});

test("a byte order mark stays, a lone surrogate becomes U+FFFD", () => {
  const words = new WordCounts();
  for (const word of ["\ufeffa", "\ud800"]) add(words, word);
  expect([...counted(words).keys()]).toEqual(["\ufeffa", "\ufffd"]);
});
