import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeStream } from "./decode-stream.ts";
import { UnknownTokenIdError } from "./errors.ts";
import { tokenizerFromTiktoken } from "./formats/tiktoken.ts";
import { tokenizerFromJson } from "./formats/tokenizer-json.ts";
import { characterTokenizer } from "./models/character.ts";
import { splitPatterns } from "./split/split-patterns.ts";
import type { TokenId, Tokenizer } from "./tokenizer.ts";

const bytes = Array.from({ length: 256 }, (_, byte) => `${btoa(String.fromCharCode(byte))} ${byte}`).join("\n");
const byteLevel = tokenizerFromTiktoken(bytes, { pattern: splitPatterns.gpt2, specialTokens: { "<|end|>": 256 } });

/** A vocabulary with one way of decoding: enough of a tokenizer to be decoded as a stream. */
function decoding(vocabulary: readonly string[], join: (tokens: readonly string[]) => string): Tokenizer {
  return {
    vocabSize: vocabulary.length,
    specialTokens: new Map(),
    encode: () => new Uint32Array(),
    encodeWithOffsets: () => ({ ids: new Uint32Array(), offsets: new Uint32Array() }),
    decode: (ids) => join(Array.from(ids, (id) => vocabulary[id] as string)),
    token: (id) => vocabulary[id],
    tokenId: () => undefined,
  };
}

/** Llama 2's way: `▁` is a space, bytes of one run are a text or nothing, the first space is dropped. */
const llama = decoding(
  [
    "▁",
    "▁the",
    "x",
    "▁▁",
    "\ufffd",
    "\u00e9",
    ...["<0xE2>", "<0x82>", "<0xac>", "<0x41>"], // digits of either case
  ],
  (tokens) => {
    let text = "";
    for (let i = 0; i < tokens.length; ) {
      const run: number[] = [];
      for (; tokens[i]?.startsWith("<0x"); i++) run.push(Number.parseInt((tokens[i] as string).slice(3, 5), 16));
      if (run.length === 0) text += (tokens[i++] as string).replaceAll("▁", " ");
      const decoded = new TextDecoder().decode(Uint8Array.from(run));
      text += decoded.includes("\ufffd") ? "\ufffd".repeat(run.length) : decoded;
    }
    return text.replace(/^ /, "");
  },
);
/** T5's way: the first token loses its space. */
const metaspace = decoding(["▁", "▁a", "b", "▁▁c"], (tokens) =>
  tokens.map((token, i) => token.replaceAll("▁", i === 0 ? "" : " ")).join(""),
);
/** BERT's way: a space before each token that is not marked as the rest of a word. */
const wordPiece = decoding(["a", "##b", "c", ".", "[UNK]"], (tokens) =>
  tokens
    .map((token, i) => (token.startsWith("##") ? token.slice(2) : i === 0 || token === "." ? token : ` ${token}`))
    .join(""),
);

function streamed(tokenizer: Tokenizer, ids: Iterable<TokenId>): string {
  const stream = decodeStream(tokenizer);
  let text = "";
  for (const id of ids) text += stream.push(id);
  return text + stream.end();
}

const anyIds = (tokenizer: Tokenizer): fc.Arbitrary<TokenId[]> =>
  fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 60, size: "max" });

describe("the parts, put together, are decode of all ids", () => {
  test.each([
    ["bytes", byteLevel],
    ["characters", characterTokenizer("abc€😀\ufffd")],
    ["as Llama 2", llama],
    ["as T5", metaspace],
    ["as BERT", wordPiece],
  ])("%s", (_, tokenizer) => {
    fc.assert(
      fc.property(anyIds(tokenizer), (ids) => streamed(tokenizer, ids) === tokenizer.decode(ids)),
      { numRuns: 1000 },
    );
  });

  test("parts of characters in all their ways to go wrong", () => {
    const hard = fc.constantFrom(
      0x41,
      0xc3,
      0xa9,
      0xe2,
      0x82,
      0xac,
      0xf0,
      0x9f,
      0x98,
      0x80,
      0xed,
      0xa0,
      0xef,
      0xbf,
      0xbd,
      0xff,
      256,
    );
    fc.assert(
      fc.property(
        fc.array(hard, { maxLength: 60, size: "max" }),
        (ids) => streamed(byteLevel, ids) === byteLevel.decode(ids),
      ),
      { numRuns: 2000 },
    );
  });

  test("a hundred thousand broken bytes, or bytes of a fallback, in linear time", () => {
    const broken = new Array(100_000).fill(0xff);
    expect(streamed(byteLevel, broken) === byteLevel.decode(broken)).toBe(true);
    const tokens = [[0x82, 0xac, 0xe2], ...Array.from({ length: 256 }, (_, byte) => [byte])];
    const ranks = tokens.map((bytes, rank) => `${btoa(String.fromCharCode(...bytes))} ${rank}`).join("\n");
    const halves = tokenizerFromTiktoken(ranks, { pattern: splitPatterns.gpt2 });
    const ending = new Array(50_000).fill(0);
    expect(streamed(halves, ending) === halves.decode(ending)).toBe(true);
    const fallback = new Array(100_000).fill(6);
    expect(streamed(llama, fallback) === llama.decode(fallback)).toBe(true);
  });
});

describe("a part is returned as soon as it is certain", () => {
  test("a character with its last byte", () => {
    const stream = decodeStream(byteLevel);
    const parts = [...byteLevel.encode("a€😀b")].map((id) => stream.push(id));
    expect(parts).toEqual(["a", "", "", "€", "", "", "", "😀", "b"]);
    expect(stream.end()).toBe("");
  });

  test("what is broken, when it can be completed no more", () => {
    const stream = decodeStream(byteLevel);
    expect([0xe2, 0x82, 0x41, 0xe2].map((id) => stream.push(id))).toEqual(["", "", "\ufffdA", ""]);
    expect(stream.end()).toBe("\ufffd");
  });

  test("the space of a word with the word, and none at the beginning", () => {
    const stream = decodeStream(llama);
    expect([1, 1, 2, 0, 1].map((id) => stream.push(id))).toEqual(["the", " the", "x", " ", " the"]);
  });
});

test("special tokens can be left out", () => {
  const stream = decodeStream(byteLevel, { skipSpecialTokens: true });
  expect([256, 0xe2, 0x82, 256, 0xac].map((id) => stream.push(id)).join("")).toBe("€");
});

test("ids that follow others do not begin a text", () => {
  expect(decodeStream(llama).push(1)).toBe("the");
  expect(decodeStream(llama, { after: [2, 0] }).push(1)).toBe(" the");
  expect(decodeStream(llama, { after: [0] }).push(1)).toBe(" the");
});

test("ids that come one by one: parts of text that are never empty", async () => {
  async function* ids(): AsyncGenerator<TokenId> {
    yield* byteLevel.encode("é€");
    yield 0xe2;
  }
  const parts: string[] = [];
  for await (const text of decodeStream(byteLevel, ids())) parts.push(text);
  expect(parts).toEqual(["é", "€", "\ufffd"]);
});

test("an id that is none is named with its place, and does not spoil the stream", () => {
  const stream = decodeStream(byteLevel);
  for (const id of [0x41, 0xe2, 0x82]) stream.push(id);
  expect(() => stream.push(999)).toThrow(UnknownTokenIdError);
  expect(() => stream.push(999)).toThrow(expect.objectContaining({ id: 999, position: 3 }));
  expect(stream.push(0xac)).toBe("€");
});

const data = new URL("../../../../shared/data/tokenizers/", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, data), "utf8");

describe.skipIf(!existsSync(data))("real vocabularies", () => {
  test.each(["gpt2", "llama2", "t5-small"])("%s", (name) => {
    const tokenizer = tokenizerFromJson(read(`${name}/tokenizer.json`));
    // Bytes and special tokens have low ids: often enough to meet each other.
    const id = fc.oneof(fc.nat(tokenizer.vocabSize - 1), fc.nat(300));
    const ids = fc.array(id, { maxLength: 60, size: "max" });
    const property = fc.property(ids, (drawn) => streamed(tokenizer, drawn) === tokenizer.decode(drawn));
    fc.assert(property, { numRuns: 1000 });
  });
});
