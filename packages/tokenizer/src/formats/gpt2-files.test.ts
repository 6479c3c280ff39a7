import { describe, expect, test } from "vitest";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import reference from "../fixtures/small-reference.json" with { type: "json" };
import { smallText } from "../fixtures/small-text.ts";
import { characterTokenizer } from "../models/character.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { trainBytePair } from "../train/train-bpe.ts";
import { tokenizerFromGpt2Files, tokenizerToGpt2Files } from "./gpt2-files.ts";
import { tokenizerFromTiktoken } from "./tiktoken.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";

const { model } = JSON.parse(reference.trained[1]?.tokenizerJson ?? "");
const encoder = JSON.stringify({ ...model.vocab, "<|endoftext|>": 400 });
const lines = model.merges.map((merge: string[]) => merge.join(" ")).join("\n");

test.each([
  ["with a version line", `#version: 0.2\n${lines}\n`],
  ["without", lines],
  ["with Windows line ends", `#version: 0.2\n${lines}\n`.replaceAll("\n", "\r\n")],
])("reads GPT-2's two files %s", (_, merges) => {
  const tokenizer = tokenizerFromGpt2Files({ encoder, merges });
  expect([...tokenizer.encode(smallText)]).toEqual(reference.trained[1]?.ids[0]);
  expect([...tokenizer.specialTokens]).toEqual([["<|endoftext|>", 400]]);
  expect(tokenizer.vocabSize).toBe(401);
});

test("a merge may begin with #", () => {
  const vocab = JSON.stringify({ "#": 0, "##": 1 });
  expect([...tokenizerFromGpt2Files({ encoder: vocab, merges: "#version: 0.2\n# #\n" }).encode("###")]).toEqual([1, 0]);
  expect([...tokenizerFromGpt2Files({ encoder: vocab, merges: "# #\n" }).encode("###")]).toEqual([1, 0]);
});

test("pattern and special tokens may be others", () => {
  const specialTokens = new Map([["<|im_start|>", 500]]);
  const tokenizer = tokenizerFromGpt2Files({
    encoder: JSON.stringify(model.vocab),
    merges: lines,
    pattern: splitPatterns.qwen2,
    specialTokens,
  });
  const json = tokenizerFromJson(reference.trained[1]?.tokenizerJson ?? "");
  expect(tokenizer.encode("in 1984")).not.toEqual(json.encode("in 1984"));
  expect(tokenizer.specialTokens).toEqual(specialTokens);
  expect(tokenizer.vocabSize).toBe(501);
});

describe("malformed files are named with line or token", () => {
  test.each([
    [{ encoder: "{", merges: "" }, "encoder: it is not JSON, or cut short"],
    [{ encoder: "[]", merges: "" }, "encoder: expected an object"],
    [{ encoder: '{"a":1.5}', merges: "" }, 'encoder, token "a": expected an id'],
    [{ encoder: '{"a":0,"b":0}', merges: "" }, 'token "b": id 0 belongs to another token too'],
    [{ encoder: '{"a":0}', merges: "a b" }, 'merge 0: token "b" is not in the vocabulary'],
    [{ encoder: '{"a":0}', merges: "#version: 0.2\na" }, "merges, line 2: expected two tokens"],
    [{ encoder: '{"a":0}', merges: "\na a a" }, "merges, line 2: expected two tokens"],
    [{ encoder: '{"a":0}', merges: " a" }, "merges, line 1: expected two tokens"],
  ])("%#", (files, message) => {
    expect(() => tokenizerFromGpt2Files(files)).toThrow(MalformedTokenizerError);
    expect(() => tokenizerFromGpt2Files(files)).toThrow(message);
  });
});

describe("written files", () => {
  const specialTokens = ["<|endoftext|>", "<|pad|>"];
  const trained = trainBytePair([smallText], { vocabSize: 400, specialTokens, pattern: splitPatterns.llama3 });

  test("are the files that were read", () => {
    const files = { encoder, merges: `#version: 0.2\n${lines}\n` };
    const written = tokenizerToGpt2Files(tokenizerFromGpt2Files(files));
    expect(written.merges).toBe(files.merges);
    expect(JSON.parse(written.encoder)).toEqual(JSON.parse(files.encoder));
  });

  test("give a trained tokenizer back, with the pattern and special tokens that they leave unsaid", () => {
    const { pattern, specialTokens } = trained.definition;
    const read = tokenizerFromGpt2Files({ ...tokenizerToGpt2Files(trained), pattern: pattern ?? "", specialTokens });
    expect(read.vocabSize).toBe(trained.vocabSize);
    for (const text of [smallText, ...reference.hardStrings]) {
      expect(read.encode(text, { allowedSpecial: "all" })).toEqual(trained.encode(text, { allowedSpecial: "all" }));
    }
  });

  test.each([
    ["characters", characterTokenizer("ab"), "Unsupported tokenizer CharacterTokenizer for GPT-2's files"],
    [
      "ranks",
      tokenizerFromTiktoken(reference.tiktoken.ranks, { pattern: splitPatterns.cl100k }),
      "Unsupported look-up of whole pieces before merging",
    ],
    [
      "two tokens of one spelling",
      trainBytePair(["a"], { vocabSize: 257, specialTokens: ["a"] }),
      'Unsupported special token "a"',
    ],
  ])("cannot hold %s", (_, tokenizer, message) => {
    expect(() => tokenizerToGpt2Files(tokenizer)).toThrow(UnsupportedTokenizerError);
    expect(() => tokenizerToGpt2Files(tokenizer)).toThrow(message);
  });
});
