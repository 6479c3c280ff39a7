import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BytePairDefinition, BytePairTokenizer } from "../byte-pair/bpe.ts";
import type { Merge } from "../byte-pair/merges.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import reference from "../fixtures/small-reference.json" with { type: "json" };
import { smallText } from "../fixtures/small-text.ts";
import { characterTokenizer } from "../models/character.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { trainBytePair } from "../train/train-bpe.ts";
import { tokenizerFromTiktoken } from "./tiktoken.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";
import { tokenizerToTiktoken } from "./write-tiktoken.ts";
import { tokenizerToJson } from "./write-tokenizer-json.ts";

const { ranks } = reference.tiktoken;
const fromRanks = tokenizerFromTiktoken(ranks, { pattern: splitPatterns.cl100k, specialTokens: { "<|end|>": 500 } });

test("ranks that were read are written as they were", () => {
  expect(tokenizerToTiktoken(fromRanks)).toBe(ranks);
  expect(tokenizerToTiktoken(tokenizerFromJson(tokenizerToJson(fromRanks)))).toBe(ranks);
});

test("a trained vocabulary is written as the reference wrote it", () => {
  expect(tokenizerToTiktoken(tokenizerFromJson(reference.trained[1]?.tokenizerJson ?? ""))).toBe(ranks);
});

test("a trained tokenizer comes back, with the pattern and special tokens that the file leaves unsaid", () => {
  const specialTokens = ["<|endoftext|>"];
  const trained = trainBytePair([smallText], { vocabSize: 900, specialTokens, pattern: splitPatterns.o200k });
  const read = tokenizerFromTiktoken(tokenizerToTiktoken(trained), {
    pattern: splitPatterns.o200k,
    specialTokens: trained.specialTokens,
  });
  for (const text of [smallText, ...reference.hardStrings]) expect(read.encode(text)).toEqual(trained.encode(text));
});

/** Tokens over three letters, each merge of two tokens that there are; ids or merges may be in any order. */
const anyDefinition = fc
  .record({
    steps: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 6 }),
    swap: fc.option(fc.tuple(fc.nat(), fc.nat())),
    ids: fc.shuffledSubarray([...Array(9).keys()], { minLength: 9 }),
    ordered: fc.boolean(),
    ignoreMerges: fc.boolean(),
  })
  .map(({ steps, swap, ids, ordered, ignoreMerges }): BytePairDefinition => {
    const tokens = ["a", "b", "c"];
    const merges: Merge[] = [];
    for (const [left, right] of steps) {
      const merge: Merge = [tokens[left % tokens.length] as string, tokens[right % tokens.length] as string];
      if (merges.some((other) => other.join(" ") === merge.join(" "))) continue;
      merges.push(merge);
      if (!tokens.includes(merge.join(""))) tokens.push(merge.join(""));
    }
    if (swap !== null && merges.length > 0) {
      const [from, to] = swap.map((place) => place % merges.length) as [number, number];
      [merges[from], merges[to]] = [merges[to] as Merge, merges[from] as Merge];
    }
    const vocabulary = new Map(tokens.map((token, index) => [token, ordered ? index : (ids[index] as number)]));
    const idOf = (merge: Merge): number => vocabulary.get(merge.join("")) as number;
    if (!ordered) merges.sort((a, b) => idOf(a) - idOf(b));
    return { vocabulary, merges, pattern: "[^]+", ignoreMerges };
  });

test("what is written encodes every text as the tokenizer does; the rest is refused", () => {
  let written = 0;
  fc.assert(
    fc.property(anyDefinition, fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c") })), (definition, texts) => {
      const tokenizer = new BytePairTokenizer(definition);
      let file: string;
      try {
        file = tokenizerToTiktoken(tokenizer);
      } catch (error) {
        expect(error).toBeInstanceOf(UnsupportedTokenizerError);
        return;
      }
      written++;
      const read = tokenizerFromTiktoken(file, { pattern: "[^]+" });
      for (const text of texts) expect(read.encode(text), text).toEqual(tokenizer.encode(text));
    }),
    { numRuns: 2000 },
  );
  expect(written).toBeGreaterThan(500);
});

describe("what ranks cannot say is named", () => {
  const vocabulary = new Map(["a", "b", "c", "ab", "bc", "abc"].map((token, id) => [token, id]));
  const bytePair = (merges: readonly Merge[] | undefined): BytePairTokenizer =>
    new BytePairTokenizer({ vocabulary, merges, pattern: null });

  test.each([
    [
      "an order that is not that of the ids",
      [
        ["b", "c"],
        ["a", "b"],
        ["ab", "c"],
      ],
      "Unsupported merge 1 (a b)",
    ],
    [
      "a token that the merges do not reach",
      [
        ["a", "b"],
        ["b", "c"],
      ],
      'Unsupported token "abc"',
    ],
    [
      "a token that the first merges make impossible",
      [
        ["a", "b"],
        ["b", "c"],
        ["a", "bc"],
      ],
      'Unsupported token "abc"',
    ],
  ] as const)("%s", (_, merges, message) => {
    expect(() => tokenizerToTiktoken(bytePair(merges))).toThrow(UnsupportedTokenizerError);
    expect(() => tokenizerToTiktoken(bytePair(merges))).toThrow(message);
  });

  test("characters", () => {
    expect(() => tokenizerToTiktoken(characterTokenizer("ab"))).toThrow("Unsupported tokenizer CharacterTokenizer");
  });
});
