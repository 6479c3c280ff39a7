import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { BytePairTokenizer } from "./byte-pair/bpe.ts";
import expected from "./fixtures/corpus-tokens.json" with { type: "json" };
import { data, hasData } from "./fixtures/published.ts";
import { tokenizerFromGpt2Files, tokenizerToGpt2Files } from "./formats/gpt2-files.ts";
import { tokenizerFromTiktoken } from "./formats/tiktoken.ts";
import { tokenizerFromJson } from "./formats/tokenizer-json.ts";
import { tokenizerToTiktoken } from "./formats/write-tiktoken.ts";
import { characterTokenizer } from "./models/character.ts";
import { splitPatterns } from "./split/split-patterns.ts";
import { trainBytePair } from "./train/train-bpe.ts";

function bytes(path: string): Buffer {
  return readFileSync(new URL(path, data));
}

function read(path: string): string {
  return bytes(path).toString("utf8");
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

function summary(ids: Uint32Array): { count: number; sha256: string } {
  return { count: ids.length, sha256: sha256(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength)) };
}

describe.skipIf(!hasData)("on real texts", { timeout: 60_000 }, () => {
  const made = new Map<string, BytePairTokenizer>();
  const makers: Record<string, () => BytePairTokenizer> = {
    gpt2: () =>
      tokenizerFromGpt2Files({
        encoder: read("tokenizers/gpt2/encoder.json"),
        merges: read("tokenizers/gpt2/vocab.bpe"),
      }),
    cl100k: () =>
      tokenizerFromTiktoken(read("tokenizers/tiktoken/cl100k_base.tiktoken"), { pattern: splitPatterns.cl100k }),
    o200k: () =>
      tokenizerFromTiktoken(read("tokenizers/tiktoken/o200k_base.tiktoken"), { pattern: splitPatterns.o200k }),
    qwen2: () =>
      tokenizerFromGpt2Files({
        encoder: read("tokenizers/qwen2/vocab.json"),
        merges: read("tokenizers/qwen2/merges.txt"),
        pattern: splitPatterns.qwen2,
        specialTokens: new Map([
          ["<|endoftext|>", 151643],
          ["<|im_start|>", 151644],
          ["<|im_end|>", 151645],
        ]),
      }),
  };
  function tokenizer(name: string): BytePairTokenizer {
    const ready = made.get(name) ?? (makers[name] as () => BytePairTokenizer)();
    made.set(name, ready);
    return ready;
  }

  test.each(Object.entries(expected.encoded))("the ids of %s are tiktoken's", (path, encodings) => {
    const text = read(path);
    for (const [name, reference] of Object.entries(encodings)) {
      const ids = tokenizer(name).encode(text);
      expect(summary(ids), name).toEqual(reference);
      expect(tokenizer(name).decode(ids) === text).toBe(true);
    }
  });

  test("GPT-2's files are written as OpenAI wrote them", () => {
    const { encoder, merges } = tokenizerToGpt2Files(tokenizer("gpt2"));
    expect(merges === read("tokenizers/gpt2/vocab.bpe")).toBe(true);
    expect(JSON.parse(encoder)).toEqual(JSON.parse(read("tokenizers/gpt2/encoder.json")));
  });

  test.each(["cl100k", "o200k"])("the ranks of %s are written as OpenAI wrote them", (name) => {
    expect(tokenizerToTiktoken(tokenizer(name)) === read(`tokenizers/tiktoken/${name}_base.tiktoken`)).toBe(true);
  });

  test("GPT-2's merges are the same tokenizer as ranks", () => {
    const ranks = tokenizerFromTiktoken(tokenizerToTiktoken(tokenizer("gpt2")), { pattern: splitPatterns.gpt2 });
    const text = read("corpus/wikitext-2/valid.raw.txt");
    expect(summary(ranks.encode(text))).toEqual(expected.encoded["corpus/wikitext-2/valid.raw.txt"].gpt2);
  });

  test("tiny Shakespeare in nanoGPT's split has the published numbers of tokens", () => {
    const text = read("corpus/tinyshakespeare.txt");
    const cut = Math.floor(0.9 * text.length);
    const count = (part: string): number => tokenizer("gpt2").encode(part).length;
    expect([text.slice(0, cut), text.slice(cut)].map(count)).toEqual([301_966, 36_059]);
  });

  test.each([
    ["cl100k_test_data", "cl100k"],
    ["r50k_test_data", "gpt2"],
  ] as const)("tiktoken's own test strings: %s", (key, name) => {
    for (const { text, ids } of JSON.parse(read("golden/tokenization/tiktoken_base_encodings.json"))[key]) {
      expect([...tokenizer(name).encode(text)], text).toEqual(ids);
    }
  });

  test.each([
    ["gpt2.json", "openai-community/gpt2", "gpt2"],
    ["gpt2.json", "Xenova/gpt-4", "cl100k"],
    ["gpt2.json", "Xenova/gpt-4o", "o200k"],
    ["qwen2.json", "Xenova/Qwen1.5-0.5B-Chat", "qwen2"],
  ])("golden strings of Hugging Face tokenizers: %s, %s", (file, model, name) => {
    interface Golden {
      readonly text: string;
      readonly ids: readonly number[];
    }
    const cases: Record<string, Golden> = JSON.parse(read(`golden/tokenization/${file}`))[model];
    for (const { text, ids } of Object.values(cases)) {
      expect([...tokenizer(name).encode(text, { allowedSpecial: "all" })], text).toEqual(ids);
      expect(tokenizer(name).decode(ids)).toBe(text);
    }
  });

  test("GPT-2's tokenizer.json is the same tokenizer as its two files", () => {
    const fromJson = tokenizerFromJson(read("tokenizers/gpt2/tokenizer.json"));
    expect(fromJson.vocabSize).toBe(50_257);
    expect([...fromJson.specialTokens]).toEqual([["<|endoftext|>", 50_256]]);
    const text = read("corpus/the-verdict.txt");
    expect(summary(fromJson.encode(text))).toEqual(expected.encoded["corpus/the-verdict.txt"].gpt2);
  });

  describe.each(Object.entries(expected.trained))(
    "training on %s learns what Hugging Face's trainer learns",
    (path, runs) => {
      test.each(runs)("vocabulary $vocabSize", ({ vocabSize, mergesSha256, ...encoded }) => {
        const text = read(path);
        const trained = trainBytePair([text], { vocabSize });
        const lines = (trained.definition.merges ?? []).map(([left, right]) => `${left} ${right}\n`);
        expect(sha256(lines.join(""))).toBe(mergesSha256);
        expect(summary(trained.encode(text))).toEqual(encoded);
      });
    },
  );

  test("characters give nanoGPT's train.bin and val.bin", () => {
    const text = read("corpus/tinyshakespeare.txt");
    const characters = characterTokenizer(text);
    expect(characters.vocabSize).toBe(65);
    const cut = Math.floor(0.9 * text.length);
    for (const [file, part] of [
      ["train.bin", text.slice(0, cut)],
      ["val.bin", text.slice(cut)],
    ] as const) {
      const ids = Uint16Array.from(characters.encode(part));
      expect(Buffer.from(ids.buffer).equals(bytes(`golden/nanogpt_shakespeare_char/${file}`)), file).toBe(true);
    }
  });
});
