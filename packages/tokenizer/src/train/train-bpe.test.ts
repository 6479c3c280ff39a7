import { describe, expect, test } from "vitest";
import reference from "../fixtures/small-reference.json" with { type: "json" };
import { smallText } from "../fixtures/small-text.ts";
import { InvalidTrainingOptionError } from "./errors.ts";
import type { TrainingProgress } from "./options.ts";
import { trainBytePair } from "./train-bpe.ts";

describe("learns what Hugging Face's trainer learns", () => {
  test.each(reference.trained)("$options", ({ options, tokenizerJson }) => {
    const { model } = JSON.parse(tokenizerJson);
    const tokenizer = trainBytePair([smallText], {
      vocabSize: options.vocab_size,
      minFrequency: options.min_frequency,
      specialTokens: options.special_tokens,
    });
    expect(tokenizer.definition.merges).toEqual(model.merges);
    const { vocabulary } = tokenizer.definition;
    expect(Object.fromEntries([...tokenizer.specialTokens, ...vocabulary])).toEqual(model.vocab);
  });
});

test("minbpe's example: aaabdaaabac with three merges", () => {
  const tokenizer = trainBytePair(["aaabdaaabac"], { vocabSize: 259, pattern: null });
  // Ties go to the smallest ids here, to the first in the text there: the pair (aa, a) of minbpe is (a, b) here.
  expect(tokenizer.definition.merges).toEqual([
    ["a", "a"],
    ["a", "b"],
    ["aa", "ab"],
  ]);
  expect(tokenizer.encode("aaabdaaabac").length).toBe(5);
});

test("no word reaches over the end of a text", () => {
  const tokenizer = trainBytePair(["ab", "ab", "ba", "x", "y", "x", "y", "x", "y"], { vocabSize: 300, pattern: null });
  expect(tokenizer.definition.merges).toEqual([
    ["a", "b"],
    ["b", "a"],
  ]);
});

test("the order of the texts does not matter", () => {
  const lines = smallText.split("\n");
  const merges = (texts: Iterable<string>) => trainBytePair(texts, { vocabSize: 400 }).definition.merges;
  expect(merges([...lines].reverse())).toEqual(merges(lines));
});

test("stops when pairs run out, or are too rare", () => {
  expect(trainBytePair(["hello hello"], { vocabSize: 1000 }).vocabSize).toBeLessThan(270);
  expect(trainBytePair(["abcd abcd abab"], { vocabSize: 1000, minFrequency: 3 }).definition.merges).toEqual([
    ["a", "b"],
  ]);
  expect(trainBytePair([], { vocabSize: 1000 }).vocabSize).toBe(256);
});

test("reports each text and each merge", () => {
  const seen: TrainingProgress[] = [];
  trainBytePair(["aa aab", "aab"], { vocabSize: 259, onProgress: (progress) => seen.push(progress) });
  expect(seen).toEqual([
    { stage: "read", numTexts: 1, numDistinctWords: 2 },
    { stage: "read", numTexts: 2, numDistinctWords: 3 },
    { stage: "learn", vocabSize: 257, targetVocabSize: 259 },
    { stage: "learn", vocabSize: 258, targetVocabSize: 259 },
    { stage: "learn", vocabSize: 259, targetVocabSize: 259 },
  ]);
});

test("special tokens take the first ids and are ordinary text in the texts", () => {
  const tokenizer = trainBytePair(["<|x|><|x|>"], { vocabSize: 262, specialTokens: ["<|x|>", "<|y|>", "<|x|>"] });
  expect([...tokenizer.specialTokens]).toEqual([
    ["<|x|>", 0],
    ["<|y|>", 1],
  ]);
  expect([...tokenizer.encode("<|y|>!", { allowedSpecial: "all" })]).toEqual([1, 2]);
  expect(tokenizer.definition.merges?.length).toBeGreaterThan(0);
});

test.each([
  [{ vocabSize: 255 }, /vocabSize is 255; expected .* at least 256/],
  [{ vocabSize: 257, specialTokens: ["a", "b"] }, /at least 258/],
  [{ vocabSize: 300.5 }, /vocabSize/],
  [{ vocabSize: 300, minFrequency: Number.NaN }, /minFrequency/],
  [{ vocabSize: 300, specialTokens: [""] }, /specialTokens/],
])("refuses %o", (options, message) => {
  expect(() => trainBytePair(["text"], options)).toThrow(InvalidTrainingOptionError);
  expect(() => trainBytePair(["text"], options)).toThrow(message);
});

test("texts may come later", async () => {
  async function* later(): AsyncGenerator<string> {
    for (const line of smallText.split("\n")) yield line;
  }
  const tokenizer = await trainBytePair(later(), { vocabSize: 400 });
  expect(tokenizer.definition).toEqual(trainBytePair(smallText.split("\n"), { vocabSize: 400 }).definition);
});

test("one letter a million times, as one word, is learned in linear time", () => {
  const tokenizer = trainBytePair(["a".repeat(1_000_000)], { vocabSize: 300, pattern: null });
  // Doubling: a, aa, aaaa, … until less than two are left.
  expect(tokenizer.definition.merges?.[18]).toEqual(["a".repeat(2 ** 18), "a".repeat(2 ** 18)]);
});

test("a long text without borders is learned in linear time", () => {
  let state = 1;
  const letter = (): string => "acgt".charAt((state = (state * 48271) % 2147483647) % 4);
  const text = Array.from({ length: 200_000 }, letter).join("");
  const tokenizer = trainBytePair([text], { vocabSize: 2256, pattern: null });
  expect(tokenizer.vocabSize).toBe(2256);
});

test("lone surrogates are learned as U+FFFD", () => {
  const merges = (text: string) => trainBytePair([text], { vocabSize: 300, pattern: null }).definition.merges;
  expect(merges("\ud800 \udfff")).toEqual(merges("\ufffd \ufffd"));
  expect(merges("\ud800 \udfff")).toContainEqual(["¿", "½"]);
});
