import { describe, expect, test } from "vitest";
import { MalformedTokenizerError } from "../errors.ts";
import { tokenizerFromTiktoken } from "./tiktoken.ts";

const base64 = (text: string): string => btoa(text);
const options = { pattern: String.raw`\S+|\s+` };

test("any two tokens that spell a third merge, the lowest rank first", () => {
  const ranks = ["a", "b", "c", "bc", "ab", "abc"].map((token, rank) => `${base64(token)} ${rank}`).join("\n");
  const tokenizer = tokenizerFromTiktoken(ranks, options);
  expect([...tokenizer.encode("abc")]).toEqual([5]);
  expect([...tokenizer.encode("aabcab")]).toEqual([0, 5, 4]);
});

test("a piece that is a token is looked up whole, even where no merge leads to it", () => {
  const ranks = ["a", "b", "c", "abc"].map((token, rank) => `${base64(token)} ${rank}`).join("\r\n");
  const tokenizer = tokenizerFromTiktoken(ranks, { ...options, specialTokens: new Map([["<|x|>", 9]]) });
  expect([...tokenizer.encode("abc")]).toEqual([3]);
  expect([...tokenizer.encode("abcabc")]).toEqual([0, 1, 2, 0, 1, 2]);
  expect(tokenizer.vocabSize).toBe(10);
});

describe("malformed ranks are named with their line", () => {
  test.each([
    ["YQ== 0\nYg==", "ranks, line 2: expected base64 and a rank"],
    ["YQ== 0\n\nYg== x", "ranks, line 3: expected base64 and a rank"],
    ["YQ== -1", "ranks, line 1: expected"],
    ["Y*== 1", "ranks, line 1: expected"],
    ["YQ=== 1", 'ranks, line 1: "YQ===" is not base64'],
    ["Y 1", 'ranks, line 1: "Y" is not base64'],
    ["YQ== 0\nYQ== 1", 'ranks, line 2: token "a" stands further up'],
    ["YQ== 0\nYg== 0", 'token "b": id 0 belongs to another token too'],
    ["YQ== 99999999999", 'token "a": id 99999999999'],
  ])("%#", (ranks, message) => {
    expect(() => tokenizerFromTiktoken(ranks, options)).toThrow(MalformedTokenizerError);
    expect(() => tokenizerFromTiktoken(ranks, options)).toThrow(message);
  });
});
