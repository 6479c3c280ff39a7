import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { characterTokenizer, type Tokenizer } from "@tessera-lm/tokenizer";
import { trainBytePair } from "@tessera-lm/tokenizer/train";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  DataOptionError,
  EmptyTextError,
  TokenizerMismatchError,
  TokenPositionError,
  TokenShardError,
} from "./errors.ts";
import { openTokenShards, type TokenShards, tokenizerFingerprint, writeTokenShards } from "./node.ts";
import { slidingWindows } from "./sliding-windows.ts";
import type { TokenSource } from "./token-source.ts";

let folder = "";
const opened: TokenShards[] = [];
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "data-")), "shards");
});
afterEach(async () => {
  for (const shards of opened.splice(0)) shards.close();
  await rm(join(folder, ".."), { recursive: true, force: true });
});

async function open(tokenizer?: Tokenizer): Promise<TokenShards> {
  const shards = await openTokenShards(folder, { tokenizer });
  opened.push(shards);
  return shards;
}

const letters = characterTokenizer("abcdefghijklmnopqrstuvwxyz ");
const documents = Array.from(
  { length: 200 },
  (_, i) => "abcdefghijklmnopqrstuvwxyz".slice(i % 20) + String.fromCharCode(97 + (i % 26)).repeat(i),
);
const textOf = (tokens: TokenSource): string => letters.decode(tokens.read(0, tokens.length));
const inOrder = (text: string): string[] => documents.filter((document) => text.includes(document));

describe("token shards", () => {
  it("hold every document once, whole and in order, each in one part", async () => {
    const counts = await writeTokenShards(folder, {
      documents,
      tokenizer: letters,
      validation: 0.2,
      test: 0.1,
      shardSize: 1000,
    });
    const shards = await open(letters);
    const parts = [shards.training, shards.validation, shards.test.open("a test")];
    const texts = parts.map(textOf);
    expect(texts.map((text) => text.length)).toEqual([counts.training, counts.validation, counts.test]);
    const starts = await Promise.all(parts.map((part) => part.documentStarts()));
    const read = parts.flatMap((_, p) => starts[p].map((start, i) => texts[p].slice(start, starts[p][i + 1])));
    expect([...read].sort()).toEqual([...documents].sort());
    expect(starts.every((part) => part.length > 5)).toBe(true);
  });

  it("are raw little-endian uint16 with a header, at most shardSize in a file", async () => {
    await writeTokenShards(folder, { documents: ["abc", "de", "fghij"], tokenizer: letters, shardSize: 4 });
    expect((await readdir(folder)).sort()).toEqual([
      "tokens.json",
      ...[0, 1, 2].flatMap((i) => [`training-0000${i}.bin`, `training-0000${i}.documents.json`]),
    ]);
    expect([...(await readFile(join(folder, "training-00000.bin")))]).toEqual([1, 0, 2, 0, 3, 0, 4, 0]);
    expect(await readFile(join(folder, "training-00001.documents.json"), "utf8")).toBe("[1]");
    expect(JSON.parse(await readFile(join(folder, "tokens.json"), "utf8"))).toEqual({
      format: "tessera-tokens-1",
      dtype: "uint16",
      vocabSize: 27,
      tokenizer: tokenizerFingerprint(letters),
      shards: { training: [4, 4, 2], validation: [], test: [] },
    });
    expect(await (await open()).training.documentStarts()).toEqual([0, 3, 5]);
  });

  it("are uint32 where the vocabulary needs it", async () => {
    const large: Tokenizer = { ...toyTokenizer(), vocabSize: 65_537, encode: () => Uint32Array.of(65_536, 1) };
    await writeTokenShards(folder, { documents: ["x"], tokenizer: large });
    expect([...(await readFile(join(folder, "training-00000.bin")))]).toEqual([0, 0, 1, 0, 1, 0, 0, 0]);
    expect((await open(large)).training.read(0, 2)).toEqual(Int32Array.of(65_536, 1));
  });

  it("read any range across files as memory would", async () => {
    await writeTokenShards(folder, { documents: [documents.join("")], tokenizer: letters, shardSize: 777 });
    const { training } = await open();
    const all = letters.encode(documents.join(""));
    fc.assert(
      fc.property(fc.nat(all.length), fc.nat(3000), (start, count) => {
        const end = Math.min(all.length, start + count);
        expect([...training.read(start, end)]).toEqual([...all.subarray(start, end)]);
      }),
    );
    expect(() => training.read(0, all.length + 1)).toThrow(TokenPositionError);
  });

  it("feed the same batches as tokens in memory", async () => {
    await writeTokenShards(folder, { documents, tokenizer: letters, shardSize: 500 });
    const { training } = await open();
    const [first] = slidingWindows(training, { batchSize: 2, contextLength: 600 });
    expect(letters.decode(first.inputs)).toBe(documents.join("").slice(0, 1200));
  });

  it("take documents that arrive one by one, and end each with a special token", async () => {
    async function* arriving(): AsyncGenerator<string> {
      yield* ["ab", "", "c"];
    }
    const tokenizer = trainBytePair(["ab"], { vocabSize: 257, specialTokens: ["<|endoftext|>"] });
    await writeTokenShards(folder, { documents: arriving(), tokenizer, endOfDocument: "<|endoftext|>" });
    const { training } = await open(tokenizer);
    const end = tokenizer.specialTokens.get("<|endoftext|>");
    expect([...training.read(0, training.length)]).toEqual([
      ...tokenizer.encode("ab"),
      end,
      end,
      ...tokenizer.encode("c"),
      end,
    ]);
    expect(await training.documentStarts()).toEqual([0, 3, 4]);
  });

  it("keep a document in the same part whatever else is there", async () => {
    const partsOf = async (texts: string[]): Promise<string[][]> => {
      await writeTokenShards(folder, { documents: texts, tokenizer: letters, validation: 0.3, test: 0.3 });
      const { training, validation, test } = await open();
      return [training, validation, test.open("a test")].map((part) => inOrder(textOf(part)));
    };
    const longDocuments = documents.slice(150);
    const all = await partsOf(longDocuments);
    const half = await partsOf(longDocuments.filter((_, i) => i % 2 === 0));
    for (const [p, part] of half.entries()) expect(all[p]).toEqual(expect.arrayContaining(part));
  });

  it("do not touch the test files before the test part is opened", async () => {
    await writeTokenShards(folder, { documents, tokenizer: letters, test: 0.5 });
    await rm(join(folder, "test-00000.bin"));
    const { training, test } = await open();
    expect(training.read(0, 1)).toHaveLength(1);
    expect(() => test.open("a test")).toThrow(TokenShardError);
    expect(() => test.open("a test")).toThrow("test-00000.bin: it cannot be read (ENOENT");
  });

  it("compare the size of the test files when the test part is opened", async () => {
    await writeTokenShards(folder, { documents, tokenizer: letters, test: 0.5 });
    await truncate(join(folder, "test-00000.bin"), 4);
    const { test } = await open();
    expect(() => test.open("a test")).toThrow(/test-00000\.bin: expected \d+ bytes for \d+ tokens, found 4/);
  });

  it("stay closed: the test part does not open afterwards", async () => {
    await writeTokenShards(folder, { documents, tokenizer: letters, test: 0.5 });
    const shards = await open();
    shards.close();
    expect(() => shards.test.open("a test")).toThrow(TokenShardError);
    expect(() => shards.test.open("a test")).toThrow("the token shards have been closed");
  });

  it("appear whole or not at all", async () => {
    function* failing(): Generator<string> {
      yield "abc";
      throw new RangeError("no more");
    }
    await expect(writeTokenShards(folder, { documents: failing(), tokenizer: letters })).rejects.toThrow("no more");
    expect(await readdir(join(folder, ".."))).toEqual([]);
  });

  it("refuse documents without text and options without sense", async () => {
    const write = (options: object): Promise<unknown> =>
      writeTokenShards(folder, { documents: ["a"], tokenizer: letters, ...options });
    await expect(write({ documents: [] })).rejects.toThrow(EmptyTextError);
    await expect(write({ documents: [""] })).rejects.toThrow(EmptyTextError);
    await expect(write({ shardSize: 0 })).rejects.toThrow(DataOptionError);
    await expect(write({ validation: 1 })).rejects.toThrow(DataOptionError);
    await expect(write({ endOfDocument: "<|end|>" })).rejects.toThrow(
      'endOfDocument must be a special token of the tokenizer (it has none), not "<|end|>"',
    );
  });
});

describe("openTokenShards", () => {
  it("reads a file of 4 GB by range, in little memory", async () => {
    const length = 2 ** 31;
    await mkdir(folder);
    await writeFile(join(folder, "training-00000.bin"), "");
    await truncate(join(folder, "training-00000.bin"), 2 * length);
    await writeHeader({ shards: { training: [length], validation: [], test: [] } });
    const before = process.memoryUsage();
    const { training } = await open();
    expect(training.length).toBe(length);
    expect(training.read(length - 3, length)).toEqual(Int32Array.of(0, 0, 0));
    const after = process.memoryUsage();
    expect(after.rss - before.rss).toBeLessThan(100 * 2 ** 20);
  });

  it("refuses another tokenizer than the one that wrote the tokens", async () => {
    await writeTokenShards(folder, { documents: ["abc"], tokenizer: letters });
    await expect(open(letters)).resolves.toBeDefined();
    await expect(open(characterTokenizer("zyxwvutsrqponmlkjihgfedcba "))).resolves.toBeDefined(); // the same, sorted
    await expect(open(characterTokenizer("ABCDEFGHIJKLMNOPQRSTUVWXYZ "))).rejects.toThrow(TokenizerMismatchError);
    await expect(open(characterTokenizer("abc"))).rejects.toThrow("vocabulary of 27, sha256:");
  });

  it.each<[string, () => Promise<void>, string]>([
    [
      "a cut file",
      () => truncate(join(folder, "training-00000.bin"), 5),
      "training-00000.bin: expected 6 bytes for 3 tokens, found 5",
    ],
    ["a missing file", () => rm(join(folder, "training-00000.bin")), "training-00000.bin: it cannot be read (ENOENT"],
    ["a missing header", () => rm(join(folder, "tokens.json")), "is this a folder of token shards?"],
    ["a header that is not JSON", () => writeFile(join(folder, "tokens.json"), "{"), "tokens.json: expected JSON"],
    [
      "a header that is null",
      () => writeFile(join(folder, "tokens.json"), "null"),
      'expected "format": "tessera-tokens-1"',
    ],
    ["a later format", () => writeHeader({ format: "tessera-tokens-2" }), 'expected "format": "tessera-tokens-1"'],
    ["an unknown dtype", () => writeHeader({ dtype: "int8" }), 'expected dtype "uint16" or "uint32"'],
    ["no vocabulary", () => writeHeader({ vocabSize: -1 }), "expected vocabSize, a whole number"],
    ["no tokenizer", () => writeHeader({ tokenizer: 1 }), "expected tokenizer, a hash"],
    ["no shards", () => writeHeader({ shards: 1 }), "expected shards.training, a list of whole numbers"],
    [
      "a broken length",
      () => writeHeader({ shards: { training: [1.5], validation: [], test: [] } }),
      "expected shards.training",
    ],
  ])("refuses %s", async (_, damage, message) => {
    await writeTokenShards(folder, { documents: ["abc"], tokenizer: letters });
    await damage();
    await expect(open()).rejects.toThrow(TokenShardError);
    await expect(open()).rejects.toThrow(message);
  });

  it("says so when a file is cut while open, closed, or holds ids beyond the vocabulary", async () => {
    await writeTokenShards(folder, { documents: ["abc"], tokenizer: letters });
    const shards = await open();
    await writeFile(join(folder, "training-00000.bin"), Uint16Array.of(1, 2, 99));
    expect(shards.training.read(0, 2)).toEqual(Int32Array.of(1, 2));
    expect(() => shards.training.read(1, 3)).toThrow("token 2 is 99, but the vocabulary has 27");
    await truncate(join(folder, "training-00000.bin"), 2);
    expect(() => shards.training.read(0, 3)).toThrow("it ended at byte 2: it was cut while open");
    shards.close();
    expect(() => shards.training.read(0, 1)).toThrow("the token shards have been closed");
    expect(() => shards.training.read(0, 1)).toThrow(TokenShardError);
  });

  it("refuses a list of documents that is none", async () => {
    await writeTokenShards(folder, { documents: ["abc"], tokenizer: letters });
    await writeFile(join(folder, "training-00000.documents.json"), '["0"]');
    await expect((await open()).training.documentStarts()).rejects.toThrow("expected a list of whole numbers");
  });
});

async function writeHeader(changes: object): Promise<void> {
  const header = {
    format: "tessera-tokens-1",
    dtype: "uint16",
    vocabSize: 27,
    tokenizer: "sha256:0",
    shards: {},
    ...changes,
  };
  await writeFile(join(folder, "tokens.json"), JSON.stringify(header));
}

function toyTokenizer(): Tokenizer {
  const ids = Uint32Array.of(0);
  return {
    vocabSize: 2,
    specialTokens: new Map(),
    encode: () => ids,
    encodeWithOffsets: () => ({ ids, offsets: Uint32Array.of(0, 1) }),
    decode: () => "x",
    token: () => "x",
    tokenId: () => 0,
  };
}

describe("tokenizerFingerprint", () => {
  it("is the same for tokenizers that do the same", () => {
    expect(tokenizerFingerprint(characterTokenizer("abc"))).toBe(tokenizerFingerprint(characterTokenizer("cab")));
  });

  it("tells apart vocabularies, special tokens and merges of one vocabulary", () => {
    const toy = toyTokenizer();
    const others: Tokenizer[] = [
      { ...toy, vocabSize: 3 },
      { ...toy, decode: () => "y" },
      { ...toy, encode: () => Uint32Array.of(1) },
      { ...toy, specialTokens: new Map([["<|end|>", 1]]) },
    ];
    const fingerprints = [toy, ...others].map(tokenizerFingerprint);
    expect(new Set(fingerprints).size).toBe(fingerprints.length);
  });

  it("takes ids without text and letters that the tokenizer does not know", () => {
    const padded: Tokenizer = {
      ...toyTokenizer(),
      decode: ([id]: Iterable<number> & number[]) => {
        if (id > 0) throw new RangeError();
        return "a";
      },
    };
    const deaf: Tokenizer = {
      ...toyTokenizer(),
      encode: () => {
        throw new RangeError();
      },
    };
    expect(tokenizerFingerprint(padded)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(tokenizerFingerprint(deaf)).not.toBe(tokenizerFingerprint(toyTokenizer()));
  });
});
