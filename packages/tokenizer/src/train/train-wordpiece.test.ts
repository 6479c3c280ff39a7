import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { InvalidTrainingOptionError } from "../errors.ts";
import { smallText } from "../fixtures/small-text.ts";
import reference from "../fixtures/training.json" with { type: "json" };
import { trainWordPiece, type WordPieceTrainingOptions } from "./train-wordpiece.ts";

const data = new URL("../../../../../shared/data/", import.meta.url);

/** The spellings in the order of their ids, and a check that the ids are 0, 1, 2, … */
function spellings(texts: Iterable<string>, options: WordPieceTrainingOptions): string[] {
  const { vocabulary } = trainWordPiece(texts, options);
  expect([...vocabulary.values()]).toEqual([...vocabulary.keys()].map((_, id) => id));
  return [...vocabulary.keys()];
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
  const { vocabulary, specialTokens } = trainWordPiece(["ba ba, bc"], { vocabSize: 8, specialTokens: ["[UNK]"] });
  expect([...vocabulary.keys()]).toEqual(["[UNK]", ",", "a", "b", "c", "##a", "##c", "ba"]);
  expect([...specialTokens]).toEqual([["[UNK]", 0]]);
});

test("rare characters can be left out, and come back nowhere", () => {
  const { vocabulary } = trainWordPiece(["aab aab xab"], { vocabSize: 100, limitAlphabet: 2 });
  expect([...vocabulary.keys()].join("")).not.toContain("x");
});

test("texts may come later", async () => {
  async function* later(): AsyncGenerator<string> {
    yield smallText;
  }
  const learned = await trainWordPiece(later(), { vocabSize: 300 });
  expect(learned).toEqual(trainWordPiece([smallText], { vocabSize: 300 }));
});

test.each([
  [{ vocabSize: 0 }, /vocabSize is 0/],
  [{ vocabSize: 1, specialTokens: ["a", "b"] }, /at least 2/],
  [{ vocabSize: 10, minFrequency: -1 }, /minFrequency/],
  [{ vocabSize: 10, limitAlphabet: 0 }, /limitAlphabet/],
])("refuses %o", (options, message) => {
  expect(() => trainWordPiece(["text"], options)).toThrow(InvalidTrainingOptionError);
  expect(() => trainWordPiece(["text"], options)).toThrow(message);
});
