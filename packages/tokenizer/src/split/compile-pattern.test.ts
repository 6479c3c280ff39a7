import { describe, expect, test } from "vitest";
import { InvalidPatternError, PieceTooLongError } from "../errors.ts";
import { piecesOf } from "../fixtures/pieces-of.ts";
import reference from "../fixtures/small-reference.json" with { type: "json" };
import { compilePattern } from "./compile-pattern.ts";
import { splitPatterns } from "./split-patterns.ts";

describe("the published split patterns cut as Python's regex does", () => {
  test.each(Object.keys(splitPatterns) as (keyof typeof splitPatterns)[])("%s", (name) => {
    reference.hardStrings.forEach((text, index) => {
      expect(piecesOf(splitPatterns[name], text), JSON.stringify(text)).toEqual(reference.pieces[name][index]);
    });
  });
});

test("\\s is White_Space: U+0085 and not U+FEFF", () => {
  expect(piecesOf(String.raw`\s+|\S+`, "a\u0085b\ufeffc")).toEqual(["a", "\u0085", "b\ufeffc"]);
  expect(piecesOf(String.raw`[^\s]+|\s`, "a\u0085b\ufeffc")).toEqual(["a", "\u0085", "b\ufeffc"]);
});

test("(?i:…) holds for its group, in classes too, with Unicode's foldings", () => {
  const pattern = compilePattern("(?i:k[s-u]e(?:x))y");
  const matches = (text: string): boolean => {
    pattern.lastIndex = 0;
    return pattern.test(text);
  };
  expect(["ksexy", "KSEXy", "\u212asexy", "k\u017fexy"].map(matches)).toEqual([true, true, true, true]);
  expect(["ksexY", "kvexy", "k^exy"].map(matches)).toEqual([false, false, false]);
});

test("possessive quantifiers and needless escapes are understood", () => {
  expect(piecesOf(String.raw`\p{L}++|\p{N}{1,3}+| ?+[^\s\p{L}\p{N}]*+|\s`, "abc12345 !?")).toEqual([
    "abc",
    "123",
    "45",
    " !?",
  ]);
  expect(piecesOf(String.raw`[\-\'+?]+|\'|\w+`, "it's a-b+")).toEqual(["it", "'", "s", " ", "a", "-", "b", "+"]);
  expect(piecesOf(String.raw`\d+\z|\d`, "12 34")).toEqual(["1", "2", " ", "34"]);
});

test("what the pattern leaves out is a piece too", () => {
  expect(piecesOf("[a-z]+", "12ab!?cd34")).toEqual(["12", "ab", "!?", "cd", "34"]);
  expect(piecesOf("[a-z]*", "🙂🙂ab🙂")).toEqual(["🙂🙂", "ab", "🙂"]);
  expect(piecesOf(null, "one piece")).toEqual(["one piece"]);
});

test("a piece that is too long for the engine is named with its position", () => {
  const text = `ab ${"🙂".repeat(5_000_000)}`;
  const notKnown = splitPatterns.gpt2.replace("'(?:[sdmt]|ll|ve|re)|", "");
  const cut = (): unknown => piecesOf(notKnown, text);
  expect(cut).toThrow(PieceTooLongError);
  expect(cut).toThrow("begins at position 2 ");
  expect(piecesOf(notKnown, text.slice(0, 4_000_000))).toHaveLength(2);
  expect(piecesOf(splitPatterns.gpt2, text)).toHaveLength(2);
  expect(piecesOf(null, text)).toHaveLength(1);
});

test("a pattern that does not compile is named", () => {
  expect(() => compilePattern("(a")).toThrow(InvalidPatternError);
  expect(() => compilePattern(String.raw`\p{Nonsense}`)).toThrow(/Split pattern .*Nonsense/);
});

/** Replaced by Hugging Face's tokenizers (`normalizers.Replace`), which read patterns as Oniguruma. */
describe("patterns mean what they mean to Oniguruma", () => {
  const texts = ["\u00e9 a-b", "\u00e9a b\u200dc", "x\n  y\n", "\n\nab\r\nc\n", "x\ry\u2028z.w", "_a!1\u0301 ", " a  "];
  test.each([
    [String.raw`\W+`, ["\u00e9<>a<>b", "\u00e9a<>b<>c", "x<>y<>", "<>ab<>c<>", "x<>y<>z<>w", "_a<>1\u0301<>", "<>a<>"]],
    [
      String.raw`\b`,
      [
        "<>\u00e9<> <>a<>-<>b<>",
        "<>\u00e9a<> <>b<>\u200d<>c<>",
        "<>x<>\n  <>y<>\n",
        "\n\n<>ab<>\r\n<>c<>\n",
        "<>x<>\r<>y<>\u2028<>z<>.<>w<>",
        "<>_a<>!<>1\u0301<> ",
        " <>a<>  ",
      ],
    ],
    [
      String.raw`\B\w`,
      ["\u00e9 a-b", "\u00e9<> b\u200dc", "x\n  y\n", "\n\na<>\r\nc\n", "x\ry\u2028z.w", "_<>!1<> ", " a  "],
    ],
    [
      String.raw`^ +`,
      ["\u00e9 a-b", "\u00e9a b\u200dc", "x\n<>y\n", "\n\nab\r\nc\n", "x\ry\u2028z.w", "_a!1\u0301 ", "<>a  "],
    ],
    [
      String.raw`^.`,
      ["<> a-b", "<>a b\u200dc", "<>\n<> y\n", "\n\n<>b\r\n<>\n", "<>\ry\u2028z.w", "<>a!1\u0301 ", "<>a  "],
    ],
    [
      String.raw`.$`,
      ["\u00e9 a-<>", "\u00e9a b\u200d<>", "<>\n  <>\n", "\n\nab<>\n<>\n", "x\ry\u2028z.<>", "_a!1\u0301<>", " a <>"],
    ],
    [
      String.raw`x.y`,
      ["\u00e9 a-b", "\u00e9a b\u200dc", "x\n  y\n", "\n\nab\r\nc\n", "<>\u2028z.w", "_a!1\u0301 ", " a  "],
    ],
    [String.raw`.+`, ["<>", "<>", "<>\n<>\n", "\n\n<>\n<>\n", "<>", "<>", "<>"]],
    [
      String.raw`[.]`,
      ["\u00e9 a-b", "\u00e9a b\u200dc", "x\n  y\n", "\n\nab\r\nc\n", "x\ry\u2028z<>w", "_a!1\u0301 ", " a  "],
    ],
    [
      String.raw`\A.`,
      ["<> a-b", "<>a b\u200dc", "<>\n  y\n", "\n\nab\r\nc\n", "<>\ry\u2028z.w", "<>a!1\u0301 ", "<>a  "],
    ],
    [
      String.raw`.\z`,
      ["\u00e9 a-<>", "\u00e9a b\u200d<>", "x\n  y\n", "\n\nab\r\nc\n", "x\ry\u2028z.<>", "_a!1\u0301<>", " a <>"],
    ],
    [
      String.raw`.\Z`,
      ["\u00e9 a-<>", "\u00e9a b\u200d<>", "x\n  <>\n", "\n\nab\r\n<>\n", "x\ry\u2028z.<>", "_a!1\u0301<>", " a <>"],
    ],
    [
      String.raw`\n$`,
      ["\u00e9 a-b", "\u00e9a b\u200dc", "x\n  y<>", "<>\nab\r\nc<>", "x\ry\u2028z.w", "_a!1\u0301 ", " a  "],
    ],
    [
      String.raw`^`,
      [
        "<>\u00e9 a-b",
        "<>\u00e9a b\u200dc",
        "<>x\n<>  y\n",
        "<>\n<>\n<>ab\r\n<>c\n",
        "<>x\ry\u2028z.w",
        "<>_a!1\u0301 ",
        "<> a  ",
      ],
    ],
    [
      String.raw`$`,
      [
        "\u00e9 a-b<>",
        "\u00e9a b\u200dc<>",
        "x<>\n  y<>\n<>",
        "<>\n<>\nab\r<>\nc<>\n<>",
        "x\ry\u2028z.w<>",
        "_a!1\u0301 <>",
        " a  <>",
      ],
    ],
  ])("%s", (pattern, replaced) => {
    const regExp = new RegExp(compilePattern(pattern).source, "gu");
    expect(texts.map((text) => text.replace(regExp, "<>"))).toEqual(replaced);
  });
});

test.each([
  "[[:alpha:]]+",
  "[a-z&&[^b]]+",
  "[a-z&&b]",
  String.raw`\h+`,
  String.raw`[\W]`,
  String.raw`\G`,
  "(?m:.)",
  "(?>a)",
])("%s, which JavaScript would read otherwise, is refused", (pattern) => {
  expect(() => compilePattern(pattern)).toThrow(InvalidPatternError);
});
