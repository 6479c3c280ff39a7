import fc from "fast-check";
import { expect, test } from "vitest";
import { characterTokenizer } from "./character.ts";
import { UnknownCharacterError, UnknownTokenIdError } from "./errors.ts";

test("the vocabulary is the text's code points in order", () => {
  const tokenizer = characterTokenizer("hello 🙂\uffee漢");
  expect(tokenizer.characters).toEqual([" ", "e", "h", "l", "o", "漢", "\uffee", "🙂"]);
  expect(tokenizer.vocabSize).toBe(8);
  expect([...tokenizer.encode("🙂 hell")]).toEqual([7, 0, 2, 1, 3, 3]);
});

test("decode is the inverse of encode", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const tokenizer = characterTokenizer(text);
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }),
  );
});

test("a lone surrogate counts as U+FFFD", () => {
  const tokenizer = characterTokenizer("a\ud83d");
  expect(tokenizer.decode(tokenizer.encode("\ude42a\ufffd"))).toBe("\ufffda\ufffd");
});

test("an unknown character is named with its position in UTF-16 units", () => {
  const encode = () => characterTokenizer("ab🙂").encode("a🙂bc");
  expect(encode).toThrow(UnknownCharacterError);
  expect(encode).toThrow('Character "c" (U+0063) at position 4');
});

test("ids outside the vocabulary are named", () => {
  for (const id of [3, -1, 0.5]) expect(() => characterTokenizer("abc").decode([0, id])).toThrow(UnknownTokenIdError);
  expect(() => characterTokenizer("abc").decode([0, 3])).toThrow("Id 3 at position 1");
});
