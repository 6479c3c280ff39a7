import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import { data, hasData } from "../fixtures/published.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { tokenizerFromPublishedRanks } from "./published-ranks.ts";
import { tokenizerFromTiktoken } from "./tiktoken.ts";

test.each([50_256, 50_280, 100_256, 199_998, 128_000])(
  "%d ranks of somebody else are not taken for known ones",
  (count) => {
    const lines = Array.from(
      { length: count },
      (_, rank) => `${btoa(rank < 256 ? String.fromCharCode(rank) : `t${rank}`)} ${rank}`,
    );
    expect(() => tokenizerFromPublishedRanks(lines.join("\n"))).toThrow(UnsupportedTokenizerError);
  },
);

/** Ranks that begin as GPT-2's: the bytes, then " t", and whatever is given. */
const gpt2Beginning = (...more: string[]): string =>
  [
    ...Array.from({ length: 256 }, (_, byte) => btoa(String.fromCharCode(byte))),
    btoa(" t"),
    ...more.map((token) => btoa(token)),
  ]
    .map((token, rank) => `${token} ${rank}`)
    .join("\n");

test("ranks that end too early are said to be cut short, and load as they are with a pattern", () => {
  const ranks = gpt2Beginning(" a", "he");
  expect(() => tokenizerFromPublishedRanks(ranks)).toThrow(MalformedTokenizerError);
  expect(() => tokenizerFromPublishedRanks(ranks)).toThrow(
    "file: its 259 ranks begin as r50k_base (50256) or p50k_base (50280): it seems cut short.",
  );
  const tokenizer = tokenizerFromTiktoken(ranks, { pattern: splitPatterns.gpt2 });
  expect([...tokenizer.encode(" t a")]).toEqual([256, 257]);
});

describe.skipIf(!hasData)("half a published file", () => {
  test.each([
    ["tiktoken/cl100k_base.tiktoken", 0.5, "cl100k_base (100256) or Llama 3 (128000)"],
    ["tiktoken/o200k_base.tiktoken", 0.9, "o200k_base (199998)"],
    ["llama3/tokenizer.model", 0.95, "Llama 3 (128000)"],
    ["tiktoken/cl100k_base.tiktoken", 0.01, "cl100k_base (100256) or o200k_base (199998) or Llama 3 (128000)"],
  ])("%s, %d of it", (path, share, names) => {
    const whole = readFileSync(new URL(`tokenizers/${path}`, data), "latin1");
    const half = whole.slice(0, whole.length * share); // within a line
    expect(() => tokenizerFromPublishedRanks(half)).toThrow(names);
    expect(() => tokenizerFromPublishedRanks(half.slice(0, half.lastIndexOf("\n") + 1))).toThrow(names);
  });
});
