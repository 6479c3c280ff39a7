import { expect, test } from "vitest";
import { alphabetOrder, byteCharacters, spell, unspell } from "./byte-alphabet.ts";

test("bytes are spelled as in GPT-2", () => {
  expect(new Set(byteCharacters).size).toBe(256);
  expect([0x20, 0x0a, 0x00, 0x21, 0x7f, 0xad, 0xff].map((byte) => byteCharacters[byte])).toEqual([
    "Ġ",
    "Ċ",
    "Ā",
    "!",
    "ġ",
    "Ń",
    "ÿ",
  ]);
});

test("the alphabet begins with ! and has the space at 220", () => {
  expect(alphabetOrder[0]).toBe(0x21);
  expect(alphabetOrder[220]).toBe(0x20);
  expect([...alphabetOrder].sort((a, b) => a - b)).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
});

test("unspell is the inverse of spell, and refuses other characters", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  expect(unspell(spell(all))).toEqual(all);
  expect(unspell("a b")).toBeUndefined();
  expect(unspell("漢")).toBeUndefined();
});
