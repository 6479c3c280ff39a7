import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { characterClasses } from "./character-classes.ts";
import { scanByRegularExpression } from "./regular-expression.ts";
import { type Scanner, scanners } from "./scanners.ts";
import { splitPatterns } from "./split-patterns.ts";
import { TextSplitter } from "./split-text.ts";

const names = Object.keys(splitPatterns) as (keyof typeof splitPatterns)[];

function pieces(scan: Scanner, text: string): string[] {
  const found: string[] = [];
  for (let start = 0; start < text.length; ) {
    const end = scan(text, start);
    found.push(text.slice(start, end));
    start = end;
  }
  return found;
}

const OF_ENGINE = [
  /[\p{Lu}\p{Lt}]/u,
  /\p{Ll}/u,
  /[\p{Lm}\p{Lo}]/u,
  /\p{M}/u,
  /\p{N}/u,
  /(?![\r\n])\p{White_Space}/u,
  /[\r\n]/u,
  /[^\p{L}\p{M}\p{N}\p{White_Space}]/u,
];

/** Whether this JavaScript engine knows the character as the references do: its Unicode may be older or newer. */
function isAgreed(character: string): boolean {
  return OF_ENGINE[Math.log2(characterClasses().at(character, 0))]?.test(character) ?? false;
}

const anyCharacter = fc.nat(0x10ffff).map((codePoint) => String.fromCodePoint(codePoint));
const nearCharacter = fc.nat(0x3ff).map((codePoint) => String.fromCodePoint(codePoint));
const difficult = fc.constantFrom(
  ..." \n\r\t'/sStTmMdDlLvVrReE1٣½²!-aBǅʰ漢é\u0301\u0903\u0085\u00a0\u2028\u3000\ufeff\u200d\u017f\u212a",
  ...["🙂", "𝔸", "𝒂", "𐐀", "𐐨", "𠀀", "𝟏", "\u{1d165}", "\ud800", "\udc00", "'ll", "  ", "\r\n", "ABC", "abc"],
);

const text = fc.oneof(
  { arbitrary: fc.string({ unit: anyCharacter.filter(isAgreed) }), weight: 1 },
  { arbitrary: fc.string({ unit: fc.oneof(nearCharacter.filter(isAgreed), difficult) }), weight: 2 },
  { arbitrary: fc.string({ unit: difficult, maxLength: 30 }), weight: 4 },
);

describe.each(names)("the scanner of %s", (name) => {
  test("cuts as its regular expression", () => {
    const [scan, plain] = [scanners[name](), scanByRegularExpression(splitPatterns[name])];
    fc.assert(
      fc.property(text, (drawn) => {
        expect(pieces(scan, drawn)).toEqual(pieces(plain, drawn));
      }),
      { numRuns: 3000 },
    );
  });

  test("cuts long runs in linear time", () => {
    const scan = scanners[name]();
    for (const run of [" ", "\n", "a", "A", "1", "!", "\u0301", "漢", "𐐀", "'", " \n", "Aa", "a\u0301"]) {
      expect(pieces(scan, run.repeat(300_000)).join("").length).toBe(300_000 * run.length);
      expect(pieces(scan, `${run.repeat(300_000)}x`).join("").length).toBe(300_000 * run.length + 1);
    }
  });
});

test("other spellings of the known patterns cut alike", () => {
  const spellings = {
    gpt2: [
      String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
      String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s`,
    ],
    cl100k: [
      String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`,
    ],
    llama3: [
      String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`,
    ],
  } as const;
  for (const [name, patterns] of Object.entries(spellings) as [keyof typeof spellings, readonly string[]][]) {
    for (const pattern of patterns) {
      const [known, plain] = [new TextSplitter(pattern).pieceEnd, scanByRegularExpression(pattern)];
      expect(known.toString()).toBe(scanners[name]().toString()); // not a regular expression
      fc.assert(
        fc.property(text, (drawn) => {
          expect(pieces(known, drawn)).toEqual(pieces(plain, drawn));
        }),
      );
    }
  }
});

test("classes are those of Unicode 16", () => {
  const classes = characterClasses();
  const classOf = (codePoint: number): number => Math.log2(classes.at(String.fromCodePoint(codePoint), 0));
  // Garay, added by Unicode 16; U+A7CE, added by Unicode 17; U+0295, lower case until Unicode 17
  expect([0x10d50, 0x10d70, 0xa7ce, 0x0295].map(classOf)).toEqual([0, 1, 7, 1]);
  // The private use area's end, and the first ranges with alternating case
  expect([0x10ffff, 0x100, 0x101, 0x137, 0x138, 0x139, 0x13a].map(classOf)).toEqual([7, 0, 1, 1, 1, 0, 1]);
  expect(["\ud800", "\udc00", "\ud800a"].map((text) => Math.log2(classes.at(text, 0)))).toEqual([7, 7, 7]);
});
