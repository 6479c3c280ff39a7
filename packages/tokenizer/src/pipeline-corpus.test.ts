import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import expected from "./fixtures/pipeline-tokens.json" with { type: "json" };
import { data, hasData } from "./fixtures/published.ts";
import { tokenizerFromFile } from "./formats/tokenizer-file.ts";
import { tokenizerFromJson } from "./formats/tokenizer-json.ts";
import { tokenizerToJson } from "./formats/write-tokenizer-json.ts";
import { PipelineTokenizer } from "./pipeline.ts";

const read = (path: string): Buffer => readFileSync(new URL(path, data));

function sha256(numbers: Uint32Array): string {
  return createHash("sha256").update(new Uint8Array(numbers.buffer)).digest("hex").slice(0, 16);
}

interface Encoded {
  readonly count: number;
  readonly ids: string;
  readonly offsets?: string;
}

const files: [string, Record<string, Encoded>][] = Object.entries(expected);
const names = [
  "llama2/tokenizer.json",
  "t5-small/tokenizer.json",
  "llama2/tokenizer.model",
  "t5-small/spiece.model",
  "stories260K/tok512.model",
];

describe.skipIf(!hasData)("on real texts as the references do", { timeout: 120_000 }, () => {
  test.each(names)("%s", (name) => {
    const tokenizer = tokenizerFromFile(read(`tokenizers/${name}`));
    for (const [path, encoded] of files) {
      const text = read(path).toString("utf8");
      const { count, ids, offsets } = encoded[name] as Encoded;
      const found = tokenizer.encode(text);
      expect({ path, count: found.length, ids: sha256(found) }).toEqual({ path, count, ids });
      if (offsets === undefined || text.length > 50_000 || !(tokenizer instanceof PipelineTokenizer)) continue;
      expect({ path, offsets: sha256(tokenizer.encodeWithOffsets(text).offsets) }).toEqual({ path, offsets });
    }
  });

  test.each([
    ["llama", "Xenova/llama-tokenizer", "llama2/tokenizer.json"],
    ["llama", "Xenova/llama-tokenizer", "llama2/tokenizer.model"],
    ["llama", "Xenova/llama3-tokenizer-new", "llama3/tokenizer.model"],
    ["t5", "google-t5/t5-small", "t5-small/tokenizer.json"],
  ])("golden strings: %s, %s with %s", (file, model, name) => {
    const tokenizer = tokenizerFromFile(read(`tokenizers/${name}`));
    const golden: Record<string, { text: string; ids: number[] }> = JSON.parse(
      read(`golden/tokenization/${file}.json`).toString("utf8"),
    )[model];
    for (const { text, ids } of Object.values(golden)) {
      const found = tokenizer.encode(text, { allowedSpecial: "all", addSpecialTokens: true });
      expect([...found], text).toEqual(ids);
    }
  });

  // Ids of sentencepiece 0.2.3
  test("T5's .model adds up in 32 bits", () => {
    const tokenizer = tokenizerFromFile(read("tokenizers/t5-small/spiece.model"));
    expect([...tokenizer.encode("ﭘ‴")]).toEqual([3, 2, 7079, 17774]);
    const ids = tokenizer.encode(read("corpus/tinyshakespeare.txt").toString("utf8").slice(0, 200_000));
    expect([ids.length, sha256(ids)]).toEqual([60519, "5c2fb279e314fc2d"]);
  });

  test("Llama 2's .model, saved as tokenizer.json, encodes as before", () => {
    const model = tokenizerFromFile(read("tokenizers/llama2/tokenizer.model"));
    const saved = tokenizerFromJson(tokenizerToJson(model));
    const text = read("corpus/the-verdict.txt").toString("utf8");
    expect(saved.encode(text)).toEqual(model.encode(text));
  });
});
