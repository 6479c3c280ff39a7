import { expect, test, vi } from "vitest";
import { byteCharacters } from "../byte-alphabet.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { BytePairTokenizer } from "./bpe.ts";

test("only a tokenizer that cuts by a known pattern is run before it is used, and only the first", () => {
  const pairs = byteCharacters.flatMap((left) => byteCharacters.map((right) => left + right));
  const tokens = [...byteCharacters, ...pairs.slice(0, 12_000)];
  const vocabulary = new Map(tokens.map((token, id) => [token, id]));
  const encode = vi.spyOn(BytePairTokenizer.prototype, "encode");
  new BytePairTokenizer({ vocabulary, pattern: "[a-z]+" });
  new BytePairTokenizer({ vocabulary, pattern: null });
  expect(encode).not.toHaveBeenCalled();
  new BytePairTokenizer({ vocabulary, pattern: splitPatterns.gpt2 });
  expect(encode).toHaveBeenCalled();
  encode.mockClear();
  new BytePairTokenizer({ vocabulary, pattern: splitPatterns.gpt2 });
  expect(encode).not.toHaveBeenCalled();
});
