import fc from "fast-check";
import { expect, test } from "vitest";
import { plainMerges } from "../testing/plain-pair-learner.ts";
import { PairLearner } from "./pair-learner.ts";
import { Vocabulary } from "./vocabulary.ts";
import { WordSymbols } from "./word-symbols.ts";

/** Few letters and many repetitions, so that pairs overlap, tie, and are spelled in two ways. */
const words = fc.uniqueArray(fc.stringMatching(/^[abc]{1,12}$/), { maxLength: 12 });
const counted = words.chain((list) =>
  fc.tuple(fc.constant(list), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 12, maxLength: 12 })),
);

test("learns what the plain trainer learns", () => {
  const check = (list: readonly string[], counts: readonly number[], numMerges: number, minFrequency: number): void => {
    const base = ["a", "b", "c"];
    const vocabulary = new Vocabulary();
    for (const letter of base) vocabulary.add(letter);
    const ids = (word: string): number[] => [...word].map((letter) => base.indexOf(letter));
    const symbols = new WordSymbols();
    list.forEach((word, i) => {
      symbols.add(Int32Array.from(ids(word)), counts[i] as number);
    });
    const plainWords = list.map((word, i) => ({ ids: ids(word), count: counts[i] as number }));
    const vocabSize = 3 + numMerges;
    const learned = new PairLearner(symbols, vocabulary).learn(minFrequency, { vocabSize });
    expect(learned).toEqual(plainMerges(plainWords, base, { vocabSize, minFrequency }));
  };
  fc.assert(
    fc.property(counted, fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 4 }), ([list, counts], ...rest) =>
      check(list, counts, ...rest),
    ),
    { numRuns: 500 },
  );
});
