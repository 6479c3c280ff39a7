import { describe, expect, test } from "vitest";
import { decodeStream } from "./decode-stream.ts";
import { encodeBatch } from "./encode-batch.ts";
import { InvalidArgumentError, UnknownSpecialTokenError } from "./errors.ts";
import { byteTokenizer } from "./models/byte.ts";
import { characterTokenizer } from "./models/character.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { InvalidTrainingOptionError } from "./train/errors.ts";
import { trainBytePair } from "./train/train-bpe.ts";
import { trainUnigram } from "./train/train-unigram.ts";
import { trainWordPiece } from "./train/train-wordpiece.ts";
import { vocabularyReport } from "./train/vocabulary-report.ts";

const tokenizers = {
  characters: characterTokenizer("abc"),
  bytes: byteTokenizer(),
  "word pieces": trainWordPiece(["ab abc"], { vocabSize: 10 }),
  unigram: trainUnigram(["ab abc"], { vocabSize: 8 }),
};

describe.each(Object.entries<Tokenizer>(tokenizers))("%s", (_, tokenizer) => {
  test.each([undefined, null, 3, {}, ["a"]])("no text: %j", (text) => {
    for (const method of ["encode", "encodeWithOffsets"] as const) {
      expect(() => tokenizer[method](text as never)).toThrow(InvalidArgumentError);
      expect(() => tokenizer[method](text as never)).toThrow(/^text is [^;]+; expected a string\.$/);
    }
    if (!Array.isArray(text)) expect(() => encodeBatch(tokenizer, [text as never])).toThrow(InvalidArgumentError);
  });

  test.each([undefined, null, 3, {}, "abc"])("no ids: %j", (ids) => {
    for (const options of [{}, { skipSpecialTokens: true }]) {
      expect(() => tokenizer.decode(ids as never, options)).toThrow(InvalidArgumentError);
      expect(() => tokenizer.decode(ids as never, options)).toThrow(/^ids is [^;]+; expected a list of token ids\.$/);
    }
  });

  test.each(["abc", 3, null])("no ids to decode as they come: %j", (ids) => {
    expect(() => decodeStream(tokenizer, ids as never)).toThrow(InvalidArgumentError);
  });

  test.each([undefined, 3, "abc"])("no list of texts: %j", (texts) => {
    expect(() => encodeBatch(tokenizer, texts as never)).toThrow(/expected a list of texts; a single one is \[text\]/);
  });

  test.each([[[]], [["a", "b", "c"]]])("neither a text nor a pair: %j", (texts) => {
    expect(() => encodeBatch(tokenizer, [texts as never])).toThrow(InvalidArgumentError);
  });

  test.each([3, {}])("no special tokens: %j", (allowedSpecial) => {
    expect(() => tokenizer.encode("a", { allowedSpecial: allowedSpecial as never })).toThrow(InvalidArgumentError);
  });

  test("a special token that is not there is named whole", () => {
    expect(() => tokenizer.encode("a", { allowedSpecial: "<nope>" })).toThrow(UnknownSpecialTokenError);
    expect(() => tokenizer.encode("a", { allowedSpecial: "<nope>" })).toThrow('"<nope>"');
  });
});

test.each([
  [{ truncationSide: "middle" }, "truncationSide is middle; expected left or right."],
  [{ paddingSide: 3 }, "paddingSide is 3; expected left or right."],
  [{ padding: true }, "padding is true; expected longest or maxLength."],
  [{ maxLength: -1 }, "maxLength is -1"],
  [{ maxLength: 2, stride: 2 }, "stride is 2"],
  [
    { maxLength: 2 ** 40, padding: "maxLength" },
    "maxLength is 1099511627776; expected a whole number from 1, below 2^31.",
  ],
])("encodeBatch refuses %j", (options, message) => {
  const encode = () => encodeBatch(tokenizers.characters, ["abc"], options as never);
  expect(encode).toThrow(InvalidArgumentError);
  expect(encode).toThrow(message);
});

describe.each<[string, (texts: never, options: never) => unknown]>([
  ["trainBytePair", trainBytePair],
  ["trainWordPiece", trainWordPiece],
  ["trainUnigram", trainUnigram],
])("%s", (_, train) => {
  test.each(["a text", undefined, 3])("wants a list of texts, not %j", (texts) => {
    expect(() => train(texts as never, { vocabSize: 300 } as never)).toThrow(InvalidArgumentError);
    expect(() => train(texts as never, { vocabSize: 300 } as never)).toThrow(
      "expected a list of texts; a single one is [text].",
    );
  });

  test("wants texts, now or later", async () => {
    expect(() => train(["a", 3] as never, { vocabSize: 300 } as never)).toThrow("text is 3; expected a string.");
    const later = (async function* () {
      yield 3;
    })();
    await expect(train(later as never, { vocabSize: 300 } as never)).rejects.toThrow(InvalidArgumentError);
  });

  test("wants a size", () => {
    expect(() => train(["a"] as never, undefined as never)).toThrow(InvalidTrainingOptionError);
  });
});

test("a report wants a list of texts", () => {
  const report = (texts: unknown) => () => vocabularyReport([tokenizers.characters], texts as never, { width: 1 });
  expect(report("a text")).toThrow("expected a list of texts");
  expect(report([3])).toThrow("expected a string");
});
