import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import { characterTokenizer } from "../models/character.ts";
import { loadTokenizer } from "../node.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { trainBytePair } from "../train/train-bpe.ts";
import { trainUnigram } from "../train/train-unigram.ts";
import { tokenizerFromGguf } from "./gguf.ts";
import { type GgufTokenizerValue, tokenizerToGguf } from "./write-gguf.ts";

const text = "the cat sat on the mat, the rat sat on the cat, and that is that; 12 cats 345";
const texts = [
  "the cat",
  "  two  spaces\n\nlines\t!",
  "naïve café 日本語 🙂 1234567 don't",
  "",
  " ",
  "a".repeat(40),
  "x <s> </s>",
];

function roundTrip(tokenizer: Tokenizer): Tokenizer {
  return tokenizerFromGguf(new Map(tokenizerToGguf(tokenizer)));
}

function expectSame(actual: Tokenizer, expected: Tokenizer): void {
  expect(actual.vocabSize).toBe(expected.vocabSize);
  for (const each of texts) {
    for (const options of [{}, { addSpecialTokens: true }, { allowedSpecial: "all" as const }]) {
      const ids = Array.from(expected.encode(each, options));
      expect(Array.from(actual.encode(each, options))).toEqual(ids);
      expect(actual.decode(ids)).toBe(expected.decode(ids));
    }
  }
}

const small = (): Tokenizer => trainBytePair([text], { vocabSize: 300, specialTokens: ["<|end|>"] });

test("a trained byte-level BPE comes back, special tokens too", () => {
  const back = roundTrip(small());
  expectSame(back, small());
  expect(back.specialTokens).toEqual(small().specialTokens);
});

test("it is written as llama.cpp names it", () => {
  const entries = new Map<string, GgufTokenizerValue>(tokenizerToGguf(small(), { chatTemplate: "{{ messages }}" }));
  const { vocabSize } = small();
  expect(entries.get("tokenizer.ggml.model")).toEqual({ type: "string", value: "gpt2" });
  expect(entries.get("tokenizer.ggml.pre")).toEqual({ type: "string", value: "gpt-2" });
  const types = entries.get("tokenizer.ggml.token_type")?.value as number[];
  expect(types).toHaveLength(vocabSize);
  expect(types[small().specialTokens.get("<|end|>") as number]).toBe(3);
  expect(types.filter((type) => type === 1)).toHaveLength(vocabSize - 1);
  expect((entries.get("tokenizer.ggml.merges")?.value as string[])[0]).toMatch(/^\S+ \S+$/);
  expect(entries.get("tokenizer.chat_template")).toEqual({ type: "string", value: "{{ messages }}" });
});

test("ids that no token has are filled up, and unused tokens are left out again", () => {
  const entries = new Map<string, { value: unknown }>(tokenizerToGguf(small()));
  const list = (key: string): unknown[] => entries.get(key)?.value as unknown[];
  entries.set("tokenizer.ggml.tokens", { value: [...list("tokenizer.ggml.tokens"), "[PAD300]"] });
  entries.set("tokenizer.ggml.token_type", { value: [...list("tokenizer.ggml.token_type"), 5] });
  expectSame(tokenizerFromGguf(entries), small());
});

test("characters are pieces that never merge, and a space is one of them", () => {
  const entries = new Map<string, GgufTokenizerValue>(tokenizerToGguf(characterTokenizer("ab c\n")));
  expect(entries.get("tokenizer.ggml.tokens")?.value).toEqual(["\n", "▁", "a", "b", "c"]);
  expect(entries.get("tokenizer.ggml.add_space_prefix")?.value).toBe(false);
  expect(entries.get("tokenizer.ggml.model")?.value).toBe("llama");
});

test("what llama.cpp has no tokenizer like is refused", () => {
  expect(() => tokenizerToGguf(trainUnigram([text], { vocabSize: 60 }))).toThrow(UnsupportedTokenizerError);
  const odd = trainBytePair([text], { vocabSize: 260, pattern: String.raw`\S+|\s+` });
  expect(() => tokenizerToGguf(odd)).toThrow(/split pattern for GGUF.*gpt-2, llama-bpe, qwen2/);
});

test.each([
  ["no tokenizer", (all: Map<string, { value: unknown }>) => all.clear(), /tokenizer.ggml.model: it is missing/],
  ["another kind", (all: Map<string, { value: unknown }>) => all.set("tokenizer.ggml.model", { value: "t5" }), /"t5"/],
  [
    "another split",
    (all: Map<string, { value: unknown }>) => all.set("tokenizer.ggml.pre", { value: "falcon" }),
    /"falcon"/,
  ],
  ["no merges", (all: Map<string, { value: unknown }>) => all.delete("tokenizer.ggml.merges"), /merges: it is missing/],
  [
    "too few types",
    (all: Map<string, { value: unknown }>) => all.set("tokenizer.ggml.token_type", { value: [1] }),
    /token_type: expected a list of \d+ numbers/,
  ],
  [
    "tokens that are numbers",
    (all: Map<string, { value: unknown }>) => all.set("tokenizer.ggml.tokens", { value: [1] }),
    /tokens: expected a list of strings/,
  ],
  [
    "a merge of unknown tokens",
    (all: Map<string, { value: unknown }>) => all.set("tokenizer.ggml.merges", { value: ["no pe"] }),
    /no/,
  ],
  [
    "a beginning that is no token",
    (all: Map<string, { value: unknown }>) => {
      all.set("tokenizer.ggml.add_bos_token", { value: true });
      all.set("tokenizer.ggml.bos_token_id", { value: 9999 });
    },
    /bos_token_id: it is 9999, and there are \d+ tokens/,
  ],
])("metadata with %s are named", (_, change, message) => {
  const entries = new Map<string, { value: unknown }>(tokenizerToGguf(small()));
  change(entries);
  let error: unknown;
  try {
    tokenizerFromGguf(entries);
  } catch (caught) {
    error = caught;
  }
  expect(error instanceof MalformedTokenizerError || error instanceof UnsupportedTokenizerError).toBe(true);
  expect(String(error)).toMatch(message);
});

/** Real tokenizers, outside of the repository. */
const data = new URL("../../../../../shared/data/tokenizers/", import.meta.url);
describe.skipIf(!existsSync(data))("published tokenizers come back", () => {
  test.each([
    "stories260K/tok512.model",
    "llama2/tokenizer.model",
    "llama3/tokenizer.model",
    "qwen2",
    "gpt2/tokenizer.json",
  ])(
    "%s",
    async (path) => {
      const tokenizer = await loadTokenizer(fileURLToPath(new URL(path, data)));
      expectSame(roundTrip(tokenizer), tokenizer);
    },
    30_000,
  );
});
