import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { byteCharacters } from "../byte-alphabet.ts";
import { MalformedTokenizerError, UnknownByteError, UnknownSpecialTokenError, UnknownTokenIdError } from "../errors.ts";
import reference from "../fixtures/small-reference.json" with { type: "json" };
import { smallText } from "../fixtures/small-text.ts";
import { tokenizerFromTiktoken } from "../formats/tiktoken.ts";
import { tokenizerFromJson } from "../formats/tokenizer-json.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { trainBytePair } from "../train/train-bpe.ts";
import { BytePairTokenizer } from "./bpe.ts";

const { hardStrings, tiktoken } = reference;
const small = tokenizerFromJson(reference.trained[1]?.tokenizerJson ?? "") as BytePairTokenizer;
const smallTiktoken = tokenizerFromTiktoken(tiktoken.ranks, {
  pattern: splitPatterns.cl100k,
  specialTokens: { "<|endoftext|>": 410, "<|endofprompt|>": 412 },
});
const bytes = new Map(byteCharacters.map((character, byte) => [character, byte]));

describe("encodes as the reference does", () => {
  test.each(reference.trained)("Hugging Face tokenizers, $options", ({ tokenizerJson, ids }) => {
    const tokenizer = tokenizerFromJson(tokenizerJson);
    [smallText, ...hardStrings].forEach((text, index) => {
      const allowedSpecial = text === "<|endoftext|>" ? "all" : []; // the reference always allows them
      expect([...tokenizer.encode(text, { allowedSpecial })], JSON.stringify(text)).toEqual(ids[index]);
      expect(tokenizer.decode(ids[index] ?? [])).toBe(text);
    });
  });

  test("tiktoken", () => {
    [smallText, ...hardStrings, "a".repeat(1000)].forEach((text, index) => {
      expect([...smallTiktoken.encode(text)], JSON.stringify(text)).toEqual(tiktoken.ids[index]);
    });
    expect(smallTiktoken.vocabSize).toBe(tiktoken.vocabSize);
  });
});

describe("special tokens", () => {
  const text = tiktoken.withSpecial;

  test("are ordinary text unless allowed", () => {
    expect([...smallTiktoken.encode(text)]).toEqual(tiktoken.withSpecialNone);
    expect([...smallTiktoken.encode(text, { allowedSpecial: [] })]).toEqual(tiktoken.withSpecialNone);
    const some = smallTiktoken.encode(text, { allowedSpecial: new Set(["<|endofprompt|>"]) });
    expect([...some]).toEqual(tiktoken.withSpecialOne);
    expect([...smallTiktoken.encode(text, { allowedSpecial: "all" })]).toEqual(tiktoken.withSpecialAll);
  });

  test("decode to their names in either case", () => {
    expect(smallTiktoken.decode(tiktoken.withSpecialNone)).toBe(text);
    expect(smallTiktoken.decode(tiktoken.withSpecialAll)).toBe(text);
  });

  test("win by length, and their names are no regular expressions", () => {
    const specialTokens = new Map([
      ["[a.b]", 300],
      ["[a.b]+", 301],
    ]);
    const tokenizer = new BytePairTokenizer({ vocabulary: bytes, merges: [], pattern: null, specialTokens });
    expect([...tokenizer.encode("[a.b]+[a.b][axb]", { allowedSpecial: "all" }).slice(0, 3)]).toEqual([301, 300, 0x5b]);
  });

  test("that do not exist cannot be allowed", () => {
    expect(() => small.encode("x", { allowedSpecial: ["<|pad|>"] })).toThrow(UnknownSpecialTokenError);
  });
});

describe("decode(encode(text)) is the text", () => {
  const text = fc.string({ unit: "binary", maxLength: 200 });

  test.each([
    ["merges", small],
    ["tiktoken's rule", smallTiktoken],
    ["bytes without a pattern", new BytePairTokenizer({ vocabulary: bytes, merges: [], pattern: null })],
    ["a pattern with gaps", new BytePairTokenizer({ vocabulary: bytes, merges: [], pattern: "[a-z]*" })],
  ])("%s", (_, tokenizer) => {
    fc.assert(fc.property(text, (drawn) => tokenizer.decode(tokenizer.encode(drawn)) === drawn));
  });

  test("every code point of Unicode", () => {
    const all: string[] = [];
    for (let codePoint = 0; codePoint <= 0x10ffff; codePoint++) {
      if (codePoint < 0xd800 || codePoint > 0xdfff) all.push(String.fromCodePoint(codePoint));
    }
    const joined = all.join("");
    expect(small.decode(small.encode(joined)) === joined).toBe(true);
  });

  test("a lone surrogate becomes U+FFFD", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) }), (drawn) => {
        const wellFormed = drawn.replace(/\p{Surrogate}/gu, "\ufffd");
        expect(small.decode(small.encode(drawn))).toBe(wellFormed);
        expect(small.encode(drawn)).toEqual(small.encode(wellFormed));
      }),
    );
  });
});

test("any sequence of ids decodes; what is not UTF-8 becomes U+FFFD", () => {
  expect(small.decode(small.encode("é").slice(0, 1))).toBe("\ufffd");
  fc.assert(
    fc.property(fc.array(fc.nat(small.vocabSize - 1)), (ids) => {
      expect(typeof small.decode(ids)).toBe("string");
    }),
  );
});

test("ids outside the vocabulary are named with their position", () => {
  for (const id of [400, -1, 1.5, Number.NaN, 2 ** 40]) {
    expect(() => small.decode([1, 2, id])).toThrow(UnknownTokenIdError);
    expect(() => small.decode([1, 2, id])).toThrow(`Id ${id} at position 2`);
  }
  expect(() => smallTiktoken.decode([411])).toThrow(UnknownTokenIdError); // a gap between special tokens
});

test("an encoding met again, and after a million other words, stays the same", () => {
  const first = small.encode(smallText);
  for (let i = 0; i < 150_000; i += 1000) small.encode(Array.from({ length: 1000 }, (_, k) => `w${i + k}`).join(" "));
  expect(small.encode(smallText)).toEqual(first);
});

test("a piece of a million letters is encoded whole", () => {
  const ids = small.encode("the".repeat(333_333));
  expect(small.decode(ids)).toBe("the".repeat(333_333));
  expect(ids.length).toBeLessThan(700_000);
});

test("a vocabulary without all bytes names the byte that it meets", () => {
  const vocabulary = new Map([
    ["a", 0],
    ["b", 1],
  ]);
  const tokenizer = new BytePairTokenizer({ vocabulary, merges: [], pattern: null });
  expect([...tokenizer.encode("abba")]).toEqual([0, 1, 1, 0]);
  expect(() => tokenizer.encode("abc")).toThrow(UnknownByteError);
  expect(() => tokenizer.encode("abc")).toThrow(/0x63/);
});

describe("a definition that contradicts itself is refused", () => {
  const define =
    (entries: readonly (readonly [string, number])[], merges: readonly (readonly [string, string])[] = []) =>
    () =>
      new BytePairTokenizer({ vocabulary: new Map(entries), merges, pattern: null });

  test.each([
    [
      "an id used twice",
      define([
        ["a", 0],
        ["b", 0],
      ]),
      /token "b": id 0 belongs to another token/,
    ],
    ["a negative id", define([["a", -1]]), /token "a": id -1/],
    ["an enormous id", define([["a", 2 ** 31]]), /token "a": id 2147483648/],
    ["an empty token", define([["", 0]]), /token with id 0/],
    ["a character that spells no byte", define([["a b", 0]]), /token "a b"/],
    ["a merge of an unknown token", define([["a", 0]], [["a", "c"]]), /merge 0: token "c"/],
    ["a merge into an unknown token", define([["a", 0]], [["a", "a"]]), /merge 0: token "aa"/],
    [
      "a merge listed twice",
      define(
        [
          ["a", 0],
          ["aa", 1],
        ],
        [
          ["a", "a"],
          ["a", "a"],
        ],
      ),
      /merge 1 \(a a\)/,
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(MalformedTokenizerError);
    expect(make).toThrow(message);
  });

  test("a special token with the id of another token", () => {
    const specialTokens = new Map([["<|endoftext|>", 7]]);
    expect(() => new BytePairTokenizer({ vocabulary: bytes, pattern: null, specialTokens })).toThrow(
      /<\|endoftext\|>.*id 7/,
    );
  });
});

test("tokens are found by id and by spelling; special ones can be left out of the text", () => {
  const tokenizer = trainBytePair(["the the the"], { vocabSize: 260, specialTokens: ["<|end|>"] });
  const id = tokenizer.tokenId("Ġthe") as number;
  expect([tokenizer.token(id), tokenizer.token(0), tokenizer.token(260)]).toEqual(["Ġthe", "<|end|>", undefined]);
  expect([tokenizer.tokenId("<|end|>"), tokenizer.tokenId("xyz")]).toEqual([0, undefined]);
  expect(tokenizer.decode([0, id, 0])).toBe("<|end|> the<|end|>");
  expect(tokenizer.decode([0, id, 0], { skipSpecialTokens: true })).toBe(" the");
});

describe("offsets", () => {
  test("a token that is a part of a character has that whole character", () => {
    const tokenizer = new BytePairTokenizer({ vocabulary: bytes, merges: [], pattern: null });
    const { ids, offsets } = tokenizer.encodeWithOffsets("aé🙂");
    expect(ids.length).toBe(7);
    expect([...offsets]).toEqual([0, 1, 1, 2, 1, 2, 2, 4, 2, 4, 2, 4, 2, 4]);
  });

  test("special tokens have their names", () => {
    const { ids, offsets } = smallTiktoken.encodeWithOffsets("é<|endoftext|>b", { allowedSpecial: "all" });
    expect([...ids]).toEqual([...smallTiktoken.encode("é<|endoftext|>b", { allowedSpecial: "all" })]);
    expect([...offsets.slice(-4)]).toEqual([1, 14, 14, 15]);
  });

  test("the text between them is the token's, wherever it is whole characters", () => {
    const text = fc.string({
      unit: fc.oneof(
        fc.constantFrom("a", " the", "é", "\ud800", "\udc00"),
        fc.nat(0xffff).map((unit) => String.fromCharCode(unit)),
      ),
    });
    fc.assert(
      fc.property(text, (drawn) => {
        const { ids, offsets } = small.encodeWithOffsets(drawn);
        expect(ids).toEqual(small.encode(drawn));
        expect(offsets.length).toBe(2 * ids.length);
        let end = 0;
        ids.forEach((id, i) => {
          const [from, to] = offsets.subarray(2 * i, 2 * i + 2) as unknown as [number, number];
          expect(from).toBeLessThanOrEqual(end);
          expect(to).toBeGreaterThanOrEqual(end);
          end = to;
          const own = small.decode([id]);
          if (!own.includes("\ufffd")) expect(drawn.slice(from, to)).toBe(own);
        });
        expect(end).toBe(drawn.length);
      }),
    );
  });
});

test("offsets take time that is linear in the number of special tokens", () => {
  const count = 100_000;
  const start = performance.now();
  const { ids, offsets } = smallTiktoken.encodeWithOffsets("a<|endoftext|>".repeat(count), { allowedSpecial: "all" });
  expect(performance.now() - start).toBeLessThan(2_000);
  expect([...ids.subarray(-2)]).toEqual([smallTiktoken.encode("a")[0], 410]);
  expect([...offsets.subarray(-4)]).toEqual([14 * count - 14, 14 * count - 13, 14 * count - 13, 14 * count]);
});
