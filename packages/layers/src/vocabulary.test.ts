import { expect, test } from "vitest";
import { VocabularyError } from "./errors.ts";
import { checkTokens } from "./vocabulary.ts";

test.each([5, -1, 1.5, Number.NaN])("%d is no token of a vocabulary of 5", (id) => {
  const check = (): void => checkTokens([0, 4, id], 5);
  expect(check).toThrow(VocabularyError);
  expect(check).toThrow(`Token ${id} is not in the model's vocabulary of 5 tokens (0 to 4).`);
});

test("tokens pass, and −1 where it stands for a target to ignore", () => {
  checkTokens(Int32Array.of(0, 4), 5);
  checkTokens(Int32Array.of(-1, 4), 5, -1);
  expect(() => checkTokens([-2], 5, -1)).toThrow(VocabularyError);
});
