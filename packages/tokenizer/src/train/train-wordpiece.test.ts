import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { smallText } from "../fixtures/small-text.ts";
import reference from "../fixtures/training.json" with { type: "json" };
import { InvalidTrainingOptionError } from "./errors.ts";
import { trainWordPiece, type WordPieceTrainingOptions } from "./train-wordpiece.ts";

const data = new URL("../../../../../shared/data/", import.meta.url);

/** The spellings in the order of their ids, and a check that the ids are 0, 1, 2, … */
function spellings(texts: Iterable<string>, options: WordPieceTrainingOptions): string[] {
  const vocabulary = trainWordPiece(texts, options).definition.model.vocab as Record<string, number>;
  expect(Object.values(vocabulary).sort((a, b) => a - b)).toEqual(Object.keys(vocabulary).map((_, id) => id));
  return Object.keys(vocabulary).sort((a, b) => (vocabulary[a] as number) - (vocabulary[b] as number));
}

function ours(options: { limitAlphabet: number | null }): WordPieceTrainingOptions {
  const { limitAlphabet, ...rest } = options as WordPieceTrainingOptions & { limitAlphabet: number | null };
  return limitAlphabet === null ? rest : { ...rest, limitAlphabet };
}

describe("learns what Hugging Face's trainer learns", () => {
  test.each(reference.wordPiece)("vocabulary of $options.vocabSize", ({ options, vocabulary }) => {
    expect(spellings([smallText], ours(options))).toEqual(vocabulary);
  });

  test.skipIf(!existsSync(data))("from real texts", () => {
    const digest = (lines: string[]) => createHash("sha256").update(lines.join("\n")).digest("hex");
    const read = (path: string) => readFileSync(new URL(path, data), "utf8");
    const shakespeare = read("corpus/tinyshakespeare.txt").slice(0, 200_000);
    const { options, size, sha256 } = reference.wordPieceOfShakespeare;
    const learned = spellings([shakespeare], ours(options));
    expect(learned.length).toBe(size);
    expect(digest(learned)).toBe(sha256);

    const languages = readdirSync(new URL("langid/flores200/", data)).sort();
    const texts = languages.map((name) => read(`langid/flores200/${name}`));
    const expected = reference.wordPieceOfLanguages;
    expect(digest(spellings(texts, ours(expected.options)))).toBe(expected.sha256);
  });
});

test("ids are special tokens, characters, continuing characters, merges", () => {
  const options = { vocabSize: 9, specialTokens: ["[CLS]"] };
  expect(spellings(["ba ba, bc"], options)).toEqual(["[UNK]", "[CLS]", ",", "a", "b", "c", "##a", "##c", "ba"]);
  expect([...trainWordPiece(["ba ba, bc"], options).specialTokens]).toEqual([
    ["[UNK]", 0],
    ["[CLS]", 1],
  ]);
});

test("rare characters can be left out, and come back nowhere", () => {
  expect(spellings(["aab aab xab"], { vocabSize: 100, limitAlphabet: 2 }).join("")).not.toContain("x");
});

test("texts may come later", async () => {
  async function* later(): AsyncGenerator<string> {
    yield smallText;
  }
  const learned = await trainWordPiece(later(), { vocabSize: 300 });
  expect(learned.definition).toEqual(trainWordPiece([smallText], { vocabSize: 300 }).definition);
});

test.each([
  [{ vocabSize: 0 }, /vocabSize is 0/],
  [{ vocabSize: 2, specialTokens: ["a", "b"] }, /at least 3/],
  [{ vocabSize: 10, minFrequency: -1 }, /minFrequency/],
  [{ vocabSize: 10, minFrequency: "2" as never }, /minFrequency/],
  [{ vocabSize: 10, specialTokens: [5] as never }, /specialTokens is 5/],
  [{ vocabSize: 10, limitAlphabet: 0 }, /limitAlphabet/],
])("refuses %o", (options, message) => {
  expect(() => trainWordPiece(["text"], options)).toThrow(InvalidTrainingOptionError);
  expect(() => trainWordPiece(["text"], options)).toThrow(message);
});

test("the tokenizer spells words with its tokens, and its normalizer was there when they were learned", () => {
  const tokenizer = trainWordPiece(["LOW lower Lowest"], { vocabSize: 30, normalizer: { type: "Lowercase" } });
  const tokens = [...tokenizer.encode("Lower, LOW z")].map((id) => tokenizer.token(id));
  expect(tokens).toEqual(["lower", "[UNK]", "low", "[UNK]"]);
  expect(tokenizer.decode(tokenizer.encode("lowest lower"))).toBe("lowest lower");
});
