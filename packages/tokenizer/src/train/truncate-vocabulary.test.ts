import { expect, test } from "vitest";
import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { smallText } from "../fixtures/small-text.ts";
import { InvalidTrainingOptionError } from "./errors.ts";
import { trainBytePair } from "./train-bpe.ts";
import { truncateVocabulary } from "./truncate-vocabulary.ts";

test.each([258, 259, 300, 400, 500])("is what training to %i gives", (vocabSize) => {
  const options = { specialTokens: ["<|a|>", "<|b|>"] };
  const large = trainBytePair([smallText], { vocabSize: 500, ...options });
  const small = truncateVocabulary(large, vocabSize);
  expect(small.definition).toEqual(trainBytePair([smallText], { vocabSize, ...options }).definition);
  expect(small.vocabSize).toBe(vocabSize);
});

test("a merge that spells a token in a second way goes with the tokens around it", () => {
  const text = "aab aab aab ab ab b aaab aaab abaab baab".repeat(3);
  const large = trainBytePair([text], { vocabSize: 300, pattern: null });
  for (let vocabSize = 256; vocabSize <= large.vocabSize; vocabSize++) {
    const expected = trainBytePair([text], { vocabSize, pattern: null }).definition;
    expect(truncateVocabulary(large, vocabSize).definition.vocabulary).toEqual(expected.vocabulary);
  }
});

test("refuses what the tokenizer has no ids for", () => {
  const tokenizer = trainBytePair(["abab"], { vocabSize: 260 });
  expect(() => truncateVocabulary(tokenizer, 255)).toThrow(InvalidTrainingOptionError);
  expect(() => truncateVocabulary(tokenizer, tokenizer.vocabSize + 1)).toThrow("from 256 to 258");
  const { vocabulary, ...rest } = tokenizer.definition;
  const withEnd = new BytePairTokenizer({ ...rest, vocabulary, specialTokens: new Map([["<end>", 258]]) });
  expect(() => truncateVocabulary(withEnd, 257)).toThrow("from 259 to 259: 258 is the id of a special token");
  expect(() => truncateVocabulary({} as never, 257)).toThrow("tokenizer is of type object");
});
