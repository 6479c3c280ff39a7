import fc from "fast-check";
import { expect, test } from "vitest";
import { frequentSubstrings } from "./frequent-substrings.ts";
import { UnigramWords } from "./unigram-words.ts";
import { WordCounts } from "./word-counts.ts";

/** By definition: all substrings, what follows each of them, and how often. */
function plainSubstrings(words: readonly string[], maxLength: number): Map<string, number> {
  const followers = new Map<string, string[]>();
  for (const word of words) {
    for (let start = 0; start < word.length; start++) {
      for (let end = start + 2; end <= Math.min(word.length, start + maxLength); end++) {
        const text = word.slice(start, end);
        followers.set(text, [...(followers.get(text) ?? []), word.charAt(end)]);
      }
    }
  }
  const branching = [...followers].filter(([, next]) => new Set(next).size > 1);
  return new Map(branching.map(([text, next]) => [text, next.length]));
}

test("finds the substrings that are followed by different characters", () => {
  const words = fc.uniqueArray(fc.stringMatching(/^[ab]{1,8}$/), { maxLength: 8 });
  fc.assert(
    fc.property(words, fc.integer({ min: 1, max: 5 }), (list, maxLength) => {
      const counts = new WordCounts();
      for (const word of list) counts.add(new TextEncoder().encode(word), 0, word.length);
      const all = new UnigramWords(counts);
      const found = frequentSubstrings(all, maxLength);
      const expected = plainSubstrings(list, maxLength);
      expect(new Map(found.map(({ start, length, count }) => [all.text(start, length), count]))).toEqual(expected);
      expect(found.length).toBe(expected.size);
      const sorted = [...found].sort((a, b) => a.rank - b.rank || a.length - b.length);
      expect(sorted.map(({ start, length }) => all.text(start, length))).toEqual([...expected.keys()].sort());
    }),
    { numRuns: 300 },
  );
});
