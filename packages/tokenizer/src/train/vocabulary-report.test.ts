import { expect, test } from "vitest";
import { InvalidTrainingOptionError } from "./errors.ts";
import { trainBytePair } from "./train-bpe.ts";
import { truncateVocabulary } from "./truncate-vocabulary.ts";
import { vocabularyReport } from "./vocabulary-report.ts";

const large = trainBytePair(["ab ab abc"], { vocabSize: 259, specialTokens: ["<|end|>"] });
const small = truncateVocabulary(large, 258);

test("counts what each vocabulary makes of the texts, and costs", () => {
  // The merges are (a, b) and (Ġ, ab).
  const [row, other] = vocabularyReport([large, small], ["ab ab", "é"], { width: 64 });
  expect(row).toEqual({
    vocabSize: 259,
    numTokens: 4, // ab, Ġab, and two bytes
    tokensPerWord: 4 / 3,
    bytesPerToken: 7 / 4,
    unusedShare: 254 / 258,
    embeddingParameters: 259 * 64,
    embeddingBytes: 259 * 64 * 4,
  });
  expect(other).toMatchObject({ vocabSize: 258, numTokens: 5, unusedShare: 253 / 257 });
});

test("a head of its own costs as much again; half precision costs half", () => {
  const [row] = vocabularyReport([small], [], { width: 10, tied: false, dtype: "bfloat16" });
  expect(row).toMatchObject({ embeddingParameters: 5160, embeddingBytes: 10320, tokensPerWord: 0, bytesPerToken: 0 });
});

test("as text it is a table", () => {
  const report = vocabularyReport([small, large], ["ab ab"], { width: 1000 });
  expect(report).toHaveLength(2);
  expect(String(report).split("\n")).toEqual([
    "vocabulary  tokens  per word  bytes per token  unused  embedding  memory",
    "──────────  ──────  ────────  ───────────────  ──────  ─────────  ──────",
    "       258       3      1.50             1.67  99.2 %    258,000  1.0 MB",
    "       259       2      1.00             2.50  99.2 %    259,000  1.0 MB",
  ]);
});

test("refuses a width that is none", () => {
  expect(() => vocabularyReport([small], [], { width: 0 })).toThrow(InvalidTrainingOptionError);
  expect(() => vocabularyReport([small], [], { width: 1, dtype: "int8" as never })).toThrow("dtype is int8");
});
