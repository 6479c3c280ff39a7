import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteCharacters } from "../byte-alphabet.ts";
import { type SplitPatterns, splitPatterns } from "../split/split-patterns.ts";
import { trainBytePair } from "../train/train-bpe.ts";
import { BytePairTokenizer } from "./bpe.ts";
import { encodePlainly } from "./encode-plainly.ts";

const sample =
  "The theatre's there; it isn't 1,234 other things.\n\nЭто были другие буквы, 漢字 and ＡＢＣ…  DON'T\r\n";
const letters = fc.constantFrom(
  ...sample,
  ..."'sStT\ud83d\ude42\ud800é\u0301\u3000",
  " the",
  "the",
  "  ",
  "\n",
  "буквы",
);

describe.each(Object.keys(splitPatterns) as (keyof SplitPatterns)[])("with the pattern of %s", (name) => {
  const { definition } = trainBytePair([sample.repeat(3)], { vocabSize: 360, pattern: splitPatterns[name] });
  const { merges: _, ...implied } = definition;
  // Some tokens are reached by no merges.
  const vocabulary = new Map([...definition.vocabulary, ["Ġthings", 400], ["their", 401], ["zq", 402]] as const);

  test.each([
    ["listed merges", definition],
    ["listed merges, but whole pieces first", { ...definition, vocabulary, ignoreMerges: true }],
    ["merges that the vocabulary implies", { ...implied, vocabulary }],
  ])("the fast road from text to ids ends where the plain one does: %s", (_, given) => {
    const tokenizer = new BytePairTokenizer(given);
    expect([...tokenizer.encode(`${sample} things their zq`)]).toEqual(
      encodePlainly(`${sample} things their zq`, given),
    );
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 60 }), (text) => {
        expect([...tokenizer.encode(text)]).toEqual(encodePlainly(text, given));
      }),
      { numRuns: 300 },
    );
  });
});

test("a text that is one piece, of bytes alone", () => {
  const vocabulary = new Map(byteCharacters.map((character, byte) => [character, byte]));
  const given = { vocabulary, merges: [], pattern: null };
  expect([...new BytePairTokenizer(given).encode("é ")]).toEqual(encodePlainly("é ", given));
  expect(encodePlainly("é ", given)).toEqual([0xc3, 0xa9, 0x20]);
});
