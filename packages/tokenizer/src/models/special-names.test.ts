import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { smallText } from "../fixtures/small-text.ts";
import { describeAddedToken } from "../formats/definition.ts";
import { tokenizerFromFile } from "../formats/tokenizer-file.ts";
import { tokenizerFromJson } from "../formats/tokenizer-json.ts";
import { tokenizerToJson } from "../formats/write-tokenizer-json.ts";
import type { Part } from "../parts.ts";
import { PipelineTokenizer } from "../pipeline.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { trainBytePair } from "../train/train-bpe.ts";
import { trainUnigram } from "../train/train-unigram.ts";
import { trainWordPiece } from "../train/train-wordpiece.ts";

/** Letters, spelled together, one letter, with a continuing prefix, and with signs. */
const names = ["PAD", "☃", "##END", "<s>", "<pad>"];
const letters = [..."PADEN<>/#spad☃x"];
const unknown = "[UNK]";
const spelled = [...new Set([unknown, ...names, ...letters])];
const ids = Object.fromEntries(spelled.map((token, id) => [token, id]));

function made(model: Part, preTokenizer: Part | null = { type: "WhitespaceSplit" }): Tokenizer {
  return new PipelineTokenizer({
    added_tokens: names.map((name) => describeAddedToken(name, ids[name] as number)),
    pre_tokenizer: preTokenizer,
    model,
  });
}

const continuing = letters.map((letter) => `##${letter}`);
const wordPieces = Object.fromEntries([...spelled, ...new Set(continuing)].map((token, id) => [token, id]));
const merged = { P: 0, A: 1, D: 2, PA: 3, PAD: 4, "☃": 5, x: 6, "[UNK]": 7 };
const pairs = {
  type: "BPE",
  unk_token: unknown,
  vocab: { ...merged, ...Object.fromEntries(["##END", "<s>", "<pad>"].map((name, i) => [name, 8 + i])) },
};
const pairNames = { ...ids, PAD: 4, "☃": 5, "##END": 8, "<s>": 9, "<pad>": 10 };
const withPairs = (changes: object): Tokenizer =>
  new PipelineTokenizer({
    added_tokens: names.map((name) => describeAddedToken(name, pairNames[name as keyof typeof pairNames] as number)),
    pre_tokenizer: { type: "WhitespaceSplit" },
    model: { ...pairs, ...changes },
  });

const texts = [smallText, names.join(" ").repeat(20), "P A D"];
const trained = { specialTokens: names, vocabSize: 330 };
const tokenizers: [string, Tokenizer][] = [
  ["Unigram", made({ type: "Unigram", unk_id: 0, vocab: spelled.map((token, id) => [token, id < 6 ? 0 : -2]) })],
  ["Unigram without the letters", made({ type: "Unigram", unk_id: 0, vocab: spelled.slice(0, 6).map((t) => [t, 0]) })],
  ["WordPiece", made({ type: "WordPiece", unk_token: unknown, vocab: wordPieces })],
  ["BPE by merges", withPairs({ merges: ["P A", "PA D"] })],
  ["BPE by whole pieces", withPairs({ merges: [], ignore_merges: true })],
  ["trained Unigram", trainUnigram(texts, trained)],
  ["trained WordPiece", trainWordPiece(texts, trained)],
  ["trained byte-level BPE", trainBytePair(texts, trained)],
  ["saved byte-level BPE", tokenizerFromJson(tokenizerToJson(trainBytePair([smallText], trained)))],
];

const anyText = fc
  .array(fc.constantFrom(...names, ...letters, " ", "PA", "unknown"), { maxLength: 12 })
  .map((parts) => parts.join(""));

describe("ordinary text never becomes a special token", () => {
  test.each(tokenizers)("%s", (_, tokenizer) => {
    const forbidden = names.map((name) => tokenizer.specialTokens.get(name));
    expect(forbidden).not.toContain(undefined);
    const check = (text: string): void => {
      for (const id of tokenizer.encode(text)) expect(forbidden, `${tokenizer.token(id)} in ${text}`).not.toContain(id);
    };
    for (const name of names) {
      check(name);
      const allowed = [...tokenizer.encode(name, { allowedSpecial: [name] })];
      expect(allowed).toEqual([tokenizer.specialTokens.get(name)]);
    }
    fc.assert(fc.property(anyText, check), { numRuns: 200 });
  });
});

const data = new URL("../../../../../shared/data/tokenizers/", import.meta.url);

describe.skipIf(!existsSync(data))("nor in published vocabularies", { timeout: 60_000 }, () => {
  test.each([
    "t5-small/tokenizer.json",
    "t5-small/spiece.model",
    "llama2/tokenizer.json",
    "llama2/tokenizer.model",
    "gpt2/tokenizer.json",
  ])("%s", (path) => {
    const tokenizer = tokenizerFromFile(readFileSync(new URL(path, data)));
    const special = [...tokenizer.specialTokens].filter(([name]) => name !== "<unk>");
    for (const [name] of special) {
      const found = tokenizer.encode(`hello ${name} world${name}`);
      for (const [, id] of special) expect([...found], name).not.toContain(id);
    }
  });
});
