import fc from "fast-check";
import { expect, test } from "vitest";
import {
  MalformedTokenizerError,
  UnknownCharacterError,
  UnknownSpecialTokenError,
  UnknownTokenIdError,
} from "../errors.ts";
import { CharacterTokenizer, characterTokenizer } from "./character.ts";

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

test("there are no special tokens to allow", () => {
  const tokenizer = characterTokenizer("<|end|>");
  expect(tokenizer.encode("<|end|>", { allowedSpecial: "all" })).toEqual(tokenizer.encode("<|end|>"));
  expect(tokenizer.encode("end", { allowedSpecial: [] })).toHaveLength(3);
  expect(() => tokenizer.encode("end", { allowedSpecial: ["<|end|>"] })).toThrow(UnknownSpecialTokenError);
});

test.each([
  [["a", "bc"], 'character 1 ("bc"): it is not one character'],
  [["a", ""], 'character 1 (""): it is not one character'],
  [["a", "b", "a"], 'character 2 ("a"): character 0 is the same'],
  [["\ud83d"], "it is half of a character"],
])("a vocabulary that is not made of different characters is refused: %j", (characters, message) => {
  expect(() => new CharacterTokenizer(characters)).toThrow(MalformedTokenizerError);
  expect(() => new CharacterTokenizer(characters)).toThrow(message);
});
