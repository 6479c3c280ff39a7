import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import { InvalidPatternError, MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import reference from "../fixtures/small-reference.json" with { type: "json" };
import { smallText } from "../fixtures/small-text.ts";
import { byteToken } from "../models/byte-fallback.ts";
import { CharacterTokenizer, characterTokenizer } from "../models/character.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import { trainBytePair } from "../train/train-bpe.ts";
import { tokenizerFromTiktoken } from "./tiktoken.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";
import { tokenizerToJson } from "./write-tokenizer-json.ts";

const specialTokens = ["<|endoftext|>", "<|pad|>"];

describe("writes what Hugging Face's library writes", () => {
  test.each(reference.trained)("a trained tokenizer, $options", ({ options, tokenizerJson }) => {
    const tokenizer = trainBytePair([smallText], {
      vocabSize: options.vocab_size,
      minFrequency: options.min_frequency,
      specialTokens: options.special_tokens,
    });
    expect(JSON.parse(tokenizerToJson(tokenizer))).toEqual(JSON.parse(tokenizerJson));
  });

  test("a character tokenizer", () => {
    const tokenizer = characterTokenizer(smallText);
    expect(JSON.parse(tokenizerToJson(tokenizer))).toEqual(JSON.parse(reference.characters.tokenizerJson));
    expect([...tokenizer.encode(smallText)]).toEqual(reference.characters.ids);
  });

  test("a split pattern of its own", () => {
    const tokenizer = trainBytePair(["a b"], { vocabSize: 256, pattern: splitPatterns.llama3 });
    expect(JSON.parse(tokenizerToJson(tokenizer)).pre_tokenizer).toEqual({
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: splitPatterns.llama3 }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    });
  });
});

test("refuses to write two tokens of one spelling, of which one would be lost", () => {
  const tokenizer = trainBytePair(["a"], { vocabSize: 257, specialTokens: ["a"] });
  expect(() => tokenizerToJson(tokenizer)).toThrow(UnsupportedTokenizerError);
});

describe("reads what it writes", () => {
  test.each([
    ["GPT-2's pattern", trainBytePair([smallText], { vocabSize: 300, specialTokens })],
    ["another pattern", trainBytePair([smallText], { vocabSize: 300, pattern: splitPatterns.o200k })],
    ["no pattern", trainBytePair([smallText], { vocabSize: 300, pattern: null })],
    ["tiktoken's rule", tokenizerFromTiktoken(reference.tiktoken.ranks, { pattern: splitPatterns.cl100k })],
    ["characters", characterTokenizer(`${smallText}0123456789`)],
  ])("%s", (_, tokenizer) => {
    const again = tokenizerFromJson(tokenizerToJson(tokenizer));
    expect(again).toBeInstanceOf(tokenizer.constructor);
    expect(again.vocabSize).toBe(tokenizer.vocabSize);
    expect(again.specialTokens).toEqual(tokenizer.specialTokens);
    const texts = again instanceof CharacterTokenizer ? [smallText] : [smallText, ...reference.hardStrings];
    for (const text of texts) expect(again.encode(text)).toEqual(tokenizer.encode(text));
    expect(tokenizerToJson(again)).toBe(tokenizerToJson(tokenizerFromJson(tokenizerToJson(again))));
  });
});

const written = JSON.parse(tokenizerToJson(trainBytePair([smallText], { vocabSize: 260, specialTokens })));
const writtenCharacters = JSON.parse(tokenizerToJson(characterTokenizer("abc")));

/** The written file with some top-level entries replaced. */
function edited(changes: object, file: object = written): string {
  return JSON.stringify({ ...file, ...changes });
}

test("older forms are read: merges as strings, no model type, no use_regex", () => {
  const { type: _, ...model } = written.model;
  const old = edited({
    model: { ...model, merges: model.merges.map((merge: string[]) => merge.join(" ")) },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
  });
  expect(tokenizerFromJson(old).encode(smallText)).toEqual(tokenizerFromJson(edited({})).encode(smallText));
});

test("Split that removes what does not match reads as one that isolates", () => {
  const split = { type: "Split", pattern: { Regex: splitPatterns.qwen2 }, behavior: "Removed", invert: true };
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, use_regex: false };
  const tokenizer = tokenizerFromJson(
    edited({ pre_tokenizer: { type: "Sequence", pretokenizers: [split, byteLevel] } }),
  );
  expect(tokenizer instanceof BytePairTokenizer && tokenizer.definition.pattern).toBe(splitPatterns.qwen2);
});

describe("what is not supported is named", () => {
  const byteLevel = written.pre_tokenizer;
  const sequence = (...pretokenizers: unknown[]) => ({ pre_tokenizer: { type: "Sequence", pretokenizers } });
  test.each([
    [{ model: { type: "WordLevel", vocab: {} } }, 'model "WordLevel"'],
    [{ model: { ...written.model, byte_fallback: true } }, 'model option "byte_fallback"'],
    [{ model: { ...written.model, end_of_word_suffix: "</w>" } }, 'model option "end_of_word_suffix"'],
    [{ model: { ...written.model, dropout: 0.1 } }, 'model option "dropout"'],
    [{ model: { ...written.model, dropout: 0.1 }, pre_tokenizer: null }, 'model option "dropout"'],
    [{ normalizer: { type: "Nmt" } }, 'normalizer "Nmt"'],
    [{ normalizer: { type: "toString" } }, 'normalizer "toString"'],
    [{ pre_tokenizer: { type: "UnicodeScripts" } }, 'pre_tokenizer "UnicodeScripts"'],
    [sequence({ type: "CharDelimiterSplit" }, byteLevel), 'pre_tokenizer.pretokenizers[0] "CharDelimiterSplit"'],
    [
      sequence({ type: "Split", pattern: { String: " " }, behavior: "Sideways" }, { ...byteLevel, use_regex: false }),
      "Sideways",
    ],
    [{ pre_tokenizer: { type: "Metaspace", prepend_scheme: "last" } }, 'prepend_scheme "last"'],
    [{ decoder: { type: "CTC" } }, 'decoder "CTC"'],
    [{ post_processor: { type: "Mystery" } }, 'post_processor "Mystery"'],
  ])("%#", (changes, name) => {
    expect(() => tokenizerFromJson(edited(changes))).toThrow(UnsupportedTokenizerError);
    expect(() => tokenizerFromJson(edited(changes))).toThrow(name);
  });

  test("special tokens of a character tokenizer", () => {
    const file = edited({ added_tokens: [{ id: 0, content: "a" }] }, writtenCharacters);
    expect(() => tokenizerFromJson(file)).toThrow(UnsupportedTokenizerError);
  });

  test("a tokenizer of another maker cannot be saved", () => {
    const spellings = { token: () => undefined, tokenId: () => undefined };
    const empty = { ids: new Uint32Array(), offsets: new Uint32Array() };
    const coding = { encode: () => empty.ids, encodeWithOffsets: () => empty, decode: () => "" };
    const foreign = { vocabSize: 1, specialTokens: new Map(), ...coding, ...spellings };
    expect(() => tokenizerToJson(foreign)).toThrow(UnsupportedTokenizerError);
  });
});

describe("what is more than characters keeps its parts", () => {
  const around = [{ SpecialToken: { id: "b", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }];
  const template = {
    ...{ type: "TemplateProcessing", single: around, pair: [] },
    special_tokens: { b: { id: "b", ids: [1], tokens: ["b"] } },
  };
  const bytes = Object.fromEntries(Array.from({ length: 256 }, (_, i) => [byteToken(i), i + 1]));
  test.each([
    ["a normalizer", { normalizer: { type: "Lowercase" } }, {}, "A", [0]],
    ["a post-processor", { post_processor: template }, {}, "a", [1, 0]],
    ["an unknown token", {}, { vocab: { "?": 0, a: 1 }, unk_token: "?" }, "az", [1, 0]],
    ["bytes", {}, { vocab: { a: 0, ...bytes }, byte_fallback: true }, "az", [0, 123]],
  ])("%s", (_, changes, model, text, ids) => {
    const vocab = { a: 0, b: 1 };
    const file = { decoder: { type: "Fuse" }, ...changes, model: { type: "BPE", vocab, merges: [], ...model } };
    const tokenizer = tokenizerFromJson(JSON.stringify(file));
    expect([...tokenizer.encode(text, { addSpecialTokens: true })]).toEqual(ids);
  });
});

describe("what is malformed is named with its place", () => {
  const model = (changes: object) => ({ model: { ...written.model, ...changes } });
  test.each([
    ["not json", "tokenizer.json: it is not JSON, or cut short"],
    ["[]", "tokenizer.json: expected an object, found []"],
    ["{}", "model: expected an object, found nothing"],
    [edited(model({ vocab: [] })), "model.vocab: expected an object"],
    [edited(model({ vocab: { a: "0" } })), 'model.vocab, token "a": expected an id'],
    [edited(model({ vocab: { a: -1 } })), 'model.vocab, token "a": expected an id'],
    [edited(model({ vocab: { ...written.model.vocab, "!": 3 } })), "id 3 belongs to another token too"],
    [edited(model({ merges: {} })), "model.merges: expected an array"],
    [edited(model({ merges: ["a"] })), "model.merges[0]: expected two tokens"],
    [edited(model({ merges: [["a", "b", "c"]] })), "model.merges[0]: expected two tokens"],
    [edited(model({ merges: [["a", 1]] })), "model.merges[0]: expected two tokens"],
    [edited(model({ merges: [7] })), "model.merges[0]: expected an array"],
    [edited(model({ merges: [["a", "zzz"]] })), 'merge 0: token "zzz" is not in the vocabulary'],
    [edited({ added_tokens: {} }), "added_tokens: expected an array"],
    [edited({ added_tokens: [{ id: 0 }] }), "added_tokens[0].content: expected a string"],
    [edited({ added_tokens: [{ content: "x" }] }), "added_tokens[0].id: expected an id"],
    [
      edited({ model: { ...writtenCharacters.model, vocab: { a: 0, b: 0 } } }, writtenCharacters),
      "id 0 leaves a gap or is taken",
    ],
    [edited({ model: { ...writtenCharacters.model, vocab: { a: 0, b: 2 } } }, writtenCharacters), "id 2 leaves a gap"],
    [
      edited({ model: { ...writtenCharacters.model, vocab: { ab: 0 } } }, writtenCharacters),
      'character 0 ("ab"): it is not one character',
    ],
  ])("%#", (json, message) => {
    expect(() => tokenizerFromJson(json)).toThrow(MalformedTokenizerError);
    expect(() => tokenizerFromJson(json)).toThrow(message);
  });

  test("whatever is wrong, the error is one of ours", () => {
    const text = JSON.stringify(written);
    const paths = [
      ...(function* walk(value: unknown, path: string[] = []): Generator<string[]> {
        yield path;
        if (typeof value !== "object" || value === null) return;
        for (const [key, inner] of Object.entries(value).slice(0, 12)) yield* walk(inner, [...path, key]);
      })(written),
    ].slice(1);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, replacement) => {
        const file = JSON.parse(text);
        const owner = path.slice(0, -1).reduce((value, key) => value[key], file);
        owner[path.at(-1) as string] = replacement;
        expectOwnError(() => tokenizerFromJson(JSON.stringify(file)));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.nat(text.length), (length) => expectOwnError(() => tokenizerFromJson(text.slice(0, length)))),
    );
  });
});

function expectOwnError(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    const own = [MalformedTokenizerError, UnsupportedTokenizerError, InvalidPatternError];
    expect(
      own.some((kind) => error instanceof kind),
      String(error),
    ).toBe(true);
  }
}
