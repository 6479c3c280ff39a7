import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { smallText } from "../fixtures/small-text.ts";
import reference from "../fixtures/training.json" with { type: "json" };
import type { PipelineTokenizer } from "../pipeline.ts";
import { InvalidTrainingOptionError } from "./errors.ts";
import { trainUnigram } from "./train-unigram.ts";

const shakespeare = new URL("../../../../../shared/data/corpus/tinyshakespeare.txt", import.meta.url);
const special = { specialTokens: ["<pad>", "<unk>"], unknownToken: "<unk>" };

function piecesOf({ definition }: PipelineTokenizer): readonly (readonly [string, number])[] {
  return definition.model.vocab as [string, number][];
}

/**
 * The same pieces with the same scores. Characters that were pruned and come back are numbered in a random order by the
 * reference: they get steps of 0.0001, so that only their sorted scores can be compared.
 */
function expectSame(tokenizer: PipelineTokenizer, expected: readonly (readonly (string | number)[])[]): void {
  const pieces = piecesOf(tokenizer);
  const theirs = new Map(expected as [string, number][]);
  expect([...pieces.map(([piece]) => piece)].sort()).toEqual([...theirs.keys()].sort());
  const sorted = [...theirs.values()].slice(2).sort((a, b) => b - a);
  pieces.slice(2).forEach(([piece, score], i) => {
    expect(score).toBeCloseTo(sorted[i] as number, 9);
    if ([...piece].length > 1) expect(score).toBeCloseTo(theirs.get(piece) as number, 9);
    else expect(Math.abs(score - (theirs.get(piece) as number))).toBeLessThan(0.01);
  });
}

describe("learns what Hugging Face's trainer learns", () => {
  test.each(reference.unigram)("$options", ({ options, pieces }) => {
    expectSame(trainUnigram([smallText], { ...options, ...special }), pieces);
  });

  test.skipIf(!existsSync(shakespeare))("from a real text", () => {
    const lines = readFileSync(shakespeare, "utf8").slice(0, 200_000).split("\n");
    expectSame(trainUnigram(lines, { vocabSize: 1000, ...special }), reference.unigramOfShakespeare);
  });
});

test("special tokens come first, the unknown token before them unless it is one", () => {
  const first = trainUnigram(["ab ab"], { vocabSize: 20, specialTokens: ["<s>"] });
  expect(piecesOf(first).slice(0, 2)).toEqual([
    ["<unk>", 0],
    ["<s>", 0],
  ]);
  expect(first.definition.model.unk_id).toBe(0);
  expect([...first.specialTokens]).toEqual([
    ["<unk>", 0],
    ["<s>", 1],
  ]);
  const named = trainUnigram(["ab ab"], { vocabSize: 20, specialTokens: ["<s>", "?"], unknownToken: "?" });
  expect(named.definition.model.unk_id).toBe(1);
});

test("every character of the texts has a piece, and pieces are sorted by score", () => {
  const pieces = piecesOf(trainUnigram([smallText], { vocabSize: 140 }));
  const names = new Set(pieces.map(([piece]) => piece));
  for (const character of smallText.replaceAll(" ", "▁")) expect(names).toContain(character);
  const scores = pieces.slice(1).map(([, score]) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
});

test("the order of the texts does not matter", () => {
  const lines = smallText.split("\n");
  const learned = (texts: string[]) => piecesOf(trainUnigram(texts, { vocabSize: 120 })).map(([piece]) => piece);
  expect(learned([...lines].reverse()).sort()).toEqual(learned(lines).sort());
});

test("texts may come later, and say how far it is", async () => {
  async function* later(): AsyncGenerator<string> {
    yield* smallText.split("\n");
  }
  const sizes: number[] = [];
  const options = { vocabSize: 120 };
  const learned = await trainUnigram(later(), {
    ...options,
    onProgress: (progress) => progress.stage === "learn" && sizes.push(progress.vocabSize),
  });
  expect(learned.definition).toEqual(trainUnigram(smallText.split("\n"), options).definition);
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
});

test("no text, and one letter 100,000 times", () => {
  expect(piecesOf(trainUnigram([], { vocabSize: 10 }))).toEqual([["<unk>", 0]]);
  expect(piecesOf(trainUnigram([""], { vocabSize: 10 }))).toEqual([["<unk>", 0]]);
  const pieces = piecesOf(trainUnigram(["a".repeat(100_000)], { vocabSize: 10 }));
  expect(pieces.map(([piece]) => piece)).toContain("aaaaaaaaaaaaaaaa");
});

test("lone surrogates are learned as U+FFFD", () => {
  expect(piecesOf(trainUnigram(["\ud800"], { vocabSize: 10 })).map(([piece]) => piece)).toContain("\ufffd");
});

test("refuses a vocabulary without room for the characters", () => {
  expect(() => trainUnigram(["abcdef"], { vocabSize: 7 })).toThrow("at least 8 (7 characters and 1 special tokens)");
});

test.each([
  [{ vocabSize: 1 }, /vocabSize is 1/],
  [{ vocabSize: 10, maxPieceLength: 0 }, /maxPieceLength/],
  [{ vocabSize: 10, shrinkingFactor: 1 }, /shrinkingFactor/],
  [{ vocabSize: 10, numSubIterations: 0 }, /numSubIterations/],
  [{ vocabSize: 10, seedSize: 0.5 }, /seedSize/],
  [{ vocabSize: 10, specialTokens: [""] }, /specialTokens/],
])("refuses %o", (options, message) => {
  expect(() => trainUnigram(["text"], options)).toThrow(InvalidTrainingOptionError);
  expect(() => trainUnigram(["text"], options)).toThrow(message);
});

test("the tokenizer cuts into the pieces, and its normalizer was there when they were learned", () => {
  const tokenizer = trainUnigram(["LOW lower Lowest"], { vocabSize: 20, normalizer: { type: "Lowercase" } });
  const ids = tokenizer.encode("Lower LOW?");
  expect(tokenizer.decode(ids)).toBe("lower low<unk>");
  expect(ids.length).toBeLessThan(10);
});
