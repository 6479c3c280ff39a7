import { describe, expect, test } from "vitest";
import { DisallowedSpecialTokenError, UnknownSpecialTokenError } from "./errors.ts";
import { tokenizerFromTiktoken } from "./formats/tiktoken.ts";
import { characterTokenizer } from "./models/character.ts";
import { splitPatterns } from "./split/split-patterns.ts";

const bytes = Array.from({ length: 256 }, (_, byte) => `${btoa(String.fromCharCode(byte))} ${byte}`).join("\n");
const tokenizer = tokenizerFromTiktoken(bytes, {
  pattern: splitPatterns.gpt2,
  specialTokens: { "<|a|>": 256, "<|b|>": 257 },
});

describe("disallowedSpecial", () => {
  test("names the token and where it begins, in UTF-16 units", () => {
    const encode = (): unknown => tokenizer.encode("😀 <|b|> <|a|>", { disallowedSpecial: "all" });
    expect(encode).toThrow(DisallowedSpecialTokenError);
    expect(encode).toThrow(expect.objectContaining({ token: "<|b|>", position: 3 }));
    expect(encode).toThrow(expect.objectContaining({ token: "<|b|>", position: 3 })); // no state between calls
  });

  test("'all' is all that are not allowed, as in tiktoken", () => {
    const options = { allowedSpecial: ["<|a|>"], disallowedSpecial: "all" } as const;
    expect([...tokenizer.encode("x<|a|>y", options)]).toEqual([120, 256, 121]);
    expect(() => tokenizer.encode("x<|a|><|b|>", options)).toThrow(expect.objectContaining({ position: 6 }));
    expect([...tokenizer.encode("<|b|>", { allowedSpecial: "all", disallowedSpecial: "all" })]).toEqual([257]);
  });

  test("what is named wins over what is allowed, as in tiktoken", () => {
    const options = { allowedSpecial: "all", disallowedSpecial: ["<|a|>"] } as const;
    expect(() => tokenizer.encode("<|a|>", options)).toThrow(DisallowedSpecialTokenError);
    expect([...tokenizer.encode("<|b|>", options)]).toEqual([257]);
  });

  test("takes names that can be walked through only once", () => {
    const names = ["<|a|>"].values();
    expect([...tokenizer.encode("<|a|>", { allowedSpecial: names, disallowedSpecial: "all" })]).toEqual([256]);
  });

  test("must name tokens that there are", () => {
    expect(() => tokenizer.encode("x", { disallowedSpecial: ["<|c|>"] })).toThrow(UnknownSpecialTokenError);
    expect(() => characterTokenizer("x").encode("x", { disallowedSpecial: ["x"] })).toThrow(UnknownSpecialTokenError);
  });
});
