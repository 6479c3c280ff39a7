import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "./errors.ts";
import { MissingTokenizerError, SaveTokenizerError } from "./files/errors.ts";
import { smallText } from "./fixtures/small-text.ts";
import { tokenizerFromWordPieceVocabulary } from "./formats/word-piece-vocabulary.ts";
import { characterTokenizer } from "./models/character.ts";
import { loadTokenizer, saveTokenizer } from "./node.ts";
import { trainBytePair } from "./train/train-bpe.ts";

/** Real vocabularies, outside the repository. */
const data = new URL("../../../../shared/data/", import.meta.url).pathname;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tokenizer-"));
});
afterEach(() => rm(folder, { recursive: true }));

const bytePairs = trainBytePair([smallText], { vocabSize: 300, specialTokens: ["<|endoftext|>"] });
const vocab = JSON.stringify(Object.fromEntries(bytePairs.definition.vocabulary));
const merges = (bytePairs.definition.merges ?? []).map((merge) => merge.join(" ")).join("\n");

describe("what was saved loads from the folder and from the file", () => {
  test.each([
    ["byte pairs", bytePairs],
    ["characters", characterTokenizer(smallText)],
  ])("%s", async (_, tokenizer) => {
    const target = join(folder, "new", "folder");
    await saveTokenizer(tokenizer, target);
    for (const path of [target, join(target, "tokenizer.json")]) {
      const loaded = await loadTokenizer(path);
      expect(loaded.encode(smallText)).toEqual(tokenizer.encode(smallText));
      expect(loaded.specialTokens).toEqual(tokenizer.specialTokens);
    }
    expect((await readdir(target)).sort()).toEqual(["tokenizer.json", "tokenizer_config.json"]);
  });
});

test("the configuration is one that transformers opens", async () => {
  await saveTokenizer(bytePairs, folder);
  expect(JSON.parse(await readFile(join(folder, "tokenizer_config.json"), "utf8"))).toEqual({
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: "<|endoftext|>",
    eos_token: "<|endoftext|>",
    clean_up_tokenization_spaces: false,
  });
});

test("the configuration names the special tokens by their roles", async () => {
  const words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"].join("\n");
  await saveTokenizer(tokenizerFromWordPieceVocabulary(words), folder);
  expect(JSON.parse(await readFile(join(folder, "tokenizer_config.json"), "utf8"))).toEqual({
    tokenizer_class: "PreTrainedTokenizerFast",
    unk_token: "[UNK]",
    pad_token: "[PAD]",
    cls_token: "[CLS]",
    sep_token: "[SEP]",
    mask_token: "[MASK]",
    clean_up_tokenization_spaces: false,
  });
});

test("saving again replaces; a save that fails leaves the old file and no other", async () => {
  await saveTokenizer(characterTokenizer("abc"), folder);
  await saveTokenizer(characterTokenizer("abcd"), folder);
  expect((await loadTokenizer(folder)).vocabSize).toBe(4);

  await rm(join(folder, "tokenizer_config.json"));
  await mkdir(join(folder, "tokenizer_config.json")); // cannot be replaced by a file
  await expect(saveTokenizer(characterTokenizer("abcde"), folder)).rejects.toThrow(SaveTokenizerError);
  expect((await readdir(folder)).sort()).toEqual(["tokenizer.json", "tokenizer_config.json"]);
});

test("a folder that cannot be made is named", async () => {
  await writeFile(join(folder, "file"), "");
  const target = join(folder, "file", "sub");
  await expect(saveTokenizer(bytePairs, target)).rejects.toThrow(`Cannot save the tokenizer to ${target}`);
});

test.runIf(process.platform === "linux")("a folder where the system makes none is named, too", async () => {
  for (const target of ["/proc/tokenizer", "/proc/1/new/folder"]) {
    await expect(saveTokenizer(bytePairs, target)).rejects.toThrow(SaveTokenizerError);
  }
});

test.each([
  ["encoder.json", "vocab.bpe"],
  ["vocab.json", "merges.txt"],
])("GPT-2's files load: %s and %s", async (encoderName, mergesName) => {
  await writeFile(join(folder, encoderName), vocab);
  await writeFile(join(folder, mergesName), `#version: 0.2\n${merges}\n`);
  expect((await loadTokenizer(folder)).encode(smallText)).toEqual(bytePairs.encode(smallText));
  await rm(join(folder, encoderName));
  await expect(loadTokenizer(folder)).rejects.toThrow(MissingTokenizerError);
});

test("the two files of another model are refused, since its split pattern is not in them", async () => {
  await writeFile(join(folder, "vocab.json"), vocab);
  await writeFile(join(folder, "merges.txt"), merges);
  await writeFile(join(folder, "tokenizer_config.json"), '{"tokenizer_class": "CodeGenTokenizer"}');
  await expect(loadTokenizer(folder)).rejects.toThrow(UnsupportedTokenizerError);
  await expect(loadTokenizer(folder)).rejects.toThrow("CodeGenTokenizer");
  await writeFile(join(folder, "tokenizer_config.json"), '{"tokenizer_class": "GPT2TokenizerFast"}');
  expect((await loadTokenizer(folder)).vocabSize).toBe(bytePairs.vocabSize);
});

test.skipIf(process.platform === "win32")("a pipe is refused, not waited for", async () => {
  execFileSync("/usr/bin/env", ["mkfifo", join(folder, "tokenizer.json")]);
  await expect(loadTokenizer(folder)).rejects.toThrow("it is not a regular file");
});

test("what is missing or malformed is named with its path", async () => {
  await expect(loadTokenizer(folder)).rejects.toThrow(MissingTokenizerError);
  await expect(loadTokenizer(join(folder, "nowhere"))).rejects.toThrow(MissingTokenizerError);
  await writeFile(join(folder, "x.tiktoken"), "YQ== 0\nYg== 1\n");
  await expect(loadTokenizer(join(folder, "x.tiktoken"))).rejects.toThrow(UnsupportedTokenizerError);
  const path = join(folder, "tokenizer.json");
  await writeFile(path, '{"model": {"type": "BPE", "vocab": [], "merges": []}, "decoder": {"type": "Fuse"}}');
  await expect(loadTokenizer(folder)).rejects.toThrow(MalformedTokenizerError);
  await expect(loadTokenizer(folder)).rejects.toThrow(`${path}, model.vocab: expected an object`);
});

test("an empty file, or one of another format, is named; a byte order mark is no fault", async () => {
  const path = join(folder, "vocab.txt");
  await writeFile(path, "");
  await expect(loadTokenizer(folder)).rejects.toThrow(`${path}: it is empty.`);
  await writeFile(path, "a\nb\n");
  await expect(loadTokenizer(folder)).rejects.toThrow(`Unsupported file in ${path}: it is no tokenizer.json`);
  await rm(path);
  await writeFile(join(folder, "vocab.json"), `\ufeff${vocab}`);
  await writeFile(join(folder, "merges.txt"), `\ufeff#version: 0.2\r\n${merges.replaceAll("\n", "\r\n")}\r\n`);
  expect((await loadTokenizer(folder)).encode(smallText)).toEqual(bytePairs.encode(smallText));
});

test.skipIf(!existsSync(data))("tokens that a folder adds to its .model are read", async () => {
  await writeFile(join(folder, "tokenizer.model"), await readFile(join(data, "tokenizers/stories260K/tok512.model")));
  await writeFile(join(folder, "added_tokens.json"), '{"<user>": 512, "<s>": 1}');
  const decoder = { 513: { content: "<extra>", special: false, normalized: false } };
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify({ added_tokens_decoder: decoder }));
  const loaded = await loadTokenizer(folder);
  expect(loaded.vocabSize).toBe(514);
  expect([...loaded.encode("<user>", { allowedSpecial: "all" })]).toEqual([512]);
  expect([...loaded.encode("<extra>")]).toEqual([513]);
  await writeFile(join(folder, "added_tokens.json"), '{"<user>": -1}');
  await expect(loadTokenizer(folder)).rejects.toThrow(MalformedTokenizerError);
});

describe.skipIf(!existsSync(data))("published files are known by their content", () => {
  test.each([
    ["llama2/tokenizer.model", "<s> Hello", [1, 15043]],
    ["t5-small/spiece.model", "Hello</s>", [8774, 1]],
    ["stories260K/tok512.model", "<s> Once", [1, 403]],
    ["stories260K", "<s> Once", [1, 403]],
    ["llama3/tokenizer.model", "<|begin_of_text|>Hello", [128000, 9906]],
    ["tiktoken/cl100k_base.tiktoken", "Hello", [9906]],
    ["tiktoken/o200k_base.tiktoken", "Hello", [13225]],
    ["qwen2", "Hello<|im_end|>", [9707, 151645]],
    ["gpt2", "Hello", [15496]],
  ])("%s", { timeout: 60_000 }, async (path, text, ids) => {
    const loaded = await loadTokenizer(join(data, "tokenizers", path));
    expect(loaded.decode(ids)).toBe(text);
    const ordinary = text.replace(/<[^>]*> ?/, "");
    const around = text.endsWith("<|im_end|>") ? ids.slice(0, -1) : ids;
    expect([...loaded.encode(ordinary, { addSpecialTokens: true })]).toEqual(around);
  });
});
