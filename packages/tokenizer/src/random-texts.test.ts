import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import expected from "./fixtures/random-texts.json" with { type: "json" };
import { bertVocabulary, randomTexts } from "./fixtures/random-texts.ts";
import { tokenizerFromFile } from "./formats/tokenizer-file.ts";
import { loadTokenizer } from "./node.ts";
import { PipelineTokenizer } from "./pipeline.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Published vocabularies, outside the repository. */
const data = new URL("../../../../shared/data/tokenizers/", import.meta.url);
const paths: Readonly<Record<string, string>> = {
  gpt2: "gpt2",
  cl100k: "tiktoken/cl100k_base.tiktoken",
  o200k: "tiktoken/o200k_base.tiktoken",
  qwen2: "qwen2",
};

async function load(name: string): Promise<Tokenizer> {
  if (name.startsWith("bert")) return bert(name === "bert uncased");
  const path = paths[name];
  return path === undefined
    ? tokenizerFromFile(readFileSync(new URL(name, data)))
    : loadTokenizer(fileURLToPath(new URL(path, data)));
}

function bert(lowercase: boolean): Tokenizer {
  return new PipelineTokenizer({
    normalizer: { type: "BertNormalizer", lowercase },
    pre_tokenizer: { type: "BertPreTokenizer" },
    model: { type: "WordPiece", vocab: bertVocabulary() },
    decoder: { type: "WordPiece" },
  });
}

const hashes: [string, { ids: string; decoded?: string }][] = Object.entries(expected);

describe.skipIf(!existsSync(data))("random texts from all of Unicode, as the references", { timeout: 120_000 }, () => {
  test.each(hashes)("%s", async (name, { ids, decoded }) => {
    const tokenizer = await load(name);
    const [hashOfIds, hashOfTexts] = [createHash("sha256"), createHash("sha256")];
    for (const text of randomTexts(20_000)) {
      const found = tokenizer.encode(text);
      hashOfIds.update(new Uint8Array(Uint32Array.of(...found, 0xffffffff).buffer));
      if (decoded !== undefined) hashOfTexts.update(tokenizer.decode(found)).update(Uint8Array.of(0xff));
    }
    expect(hashOfIds.digest("hex")).toBe(ids);
    if (decoded !== undefined) expect(hashOfTexts.digest("hex")).toBe(decoded);
  });
});

test("characters that stay with those beside them, or do not", async () => {
  if (!existsSync(data)) return;
  const tokenizer = await load("t5-small/tokenizer.json");
  // ids of tokenizers 0.23.3
  expect([...tokenizer.encode("½\u102c1")]).toEqual([209, 2, 357, 2, 536]);
  expect([...tokenizer.encode("\u0600E\u0301")]).toEqual([3, 2, 427, 2]);
  expect([...tokenizer.encode("\u0891u\u0301")]).toEqual([3, 2, 76, 2]);
});
