import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutBytes, piecesOf } from "../fixtures/pieces-of.ts";
import { characterClasses } from "./character-classes.ts";
import { plainWordEnd } from "./plain-word.ts";
import { searchByRegularExpression } from "./regular-expression.ts";
import { scanners } from "./scanners.ts";
import { splitPatterns } from "./split-patterns.ts";
import { knownPattern } from "./split-text.ts";
import { TextBuffer } from "./text-buffer.ts";
import type { Utf8 } from "./utf8.ts";

const names = Object.keys(splitPatterns) as (keyof typeof splitPatterns)[];

/** The text in UTF-8, and after it something that does not belong to it. */
function bytesOf(text: string): { bytes: Utf8; length: number } {
  const buffer = new TextBuffer(text.length + 5);
  const length = buffer.write(text);
  buffer.bytes.set(new TextEncoder().encode("'s a "), length);
  return { bytes: buffer.bytes, length };
}

function scanned(name: keyof typeof splitPatterns, text: string): string[] {
  const [scan, { bytes, length }] = [scanners[name](), bytesOf(text)];
  return [...cutBytes(bytes, length, (start) => scan(bytes, start, length))];
}

/** As the regular expression cuts the text that UTF-8 can hold. */
function searched(pattern: string, text: string): string[] {
  const search = searchByRegularExpression(pattern);
  const held = text.replace(/\p{Surrogate}/gu, "\ufffd");
  const found: string[] = [];
  for (let start = 0; start < held.length; ) {
    const end = search(held, start);
    found.push(held.slice(start, end));
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

function classOf(character: string): number {
  const { bytes, length } = bytesOf(character);
  return characterClasses().at(bytes, 0, length);
}

/** Whether this JavaScript engine knows the character as the references do: its Unicode may be older or newer. */
function isAgreed(character: string): boolean {
  return OF_ENGINE[Math.log2(classOf(character))]?.test(character) ?? false;
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
    fc.assert(
      fc.property(text, (drawn) => {
        expect(scanned(name, drawn)).toEqual(searched(splitPatterns[name], drawn));
      }),
      { numRuns: 3000 },
    );
  });

  test("cuts long runs in linear time", () => {
    for (const run of [" ", "\n", "a", "A", "1", "!", "\u0301", "漢", "𐐀", "'", " \n", "Aa", "a\u0301"]) {
      expect(scanned(name, run.repeat(300_000)).join("").length).toBe(300_000 * run.length);
      expect(scanned(name, `${run.repeat(300_000)}x`).join("").length).toBe(300_000 * run.length + 1);
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
      expect(knownPattern(pattern)).toBe(name);
      const own = pattern.replace("$", "\\z"); // tiktoken's $ is the end of the text, Oniguruma's that of a line
      fc.assert(
        fc.property(text, (drawn) => {
          expect(scanned(name, drawn)).toEqual(searched(own, drawn));
        }),
      );
    }
  }
});

describe("a long text is cut as a whole, in stretches", () => {
  const languages = [
    "The quick brown fox. ",
    "Съешь ещё этих булок, ",
    "我能吞下玻璃而不伤身体。",
    "𝔸𝒂 it's\n\n  x 12345 ",
  ];
  const long = languages.map((sample) => sample.repeat(60_000 / sample.length)).join("");

  test.each([...names.map((name) => splitPatterns[name]), String.raw`\S+|\s`])("%s", (pattern) => {
    for (const drawn of [long, long.slice(0, 2 ** 15), long.slice(0, 2 ** 15 + 1), "a".repeat(100_000)]) {
      expect(piecesOf(pattern, drawn)).toEqual(searched(pattern, drawn));
    }
    expect(piecesOf(pattern, "")).toEqual([]);
  });
});

test("classes are those of Unicode 16", () => {
  const bits = (codePoint: number): number => Math.log2(classOf(String.fromCodePoint(codePoint)));
  // Garay, added by Unicode 16; U+A7CE, added by Unicode 17; U+0295, lower case until Unicode 17
  expect([0x10d50, 0x10d70, 0xa7ce, 0x0295].map(bits)).toEqual([0, 1, 7, 1]);
  // The private use area's end, and the first ranges with alternating case
  expect([0x10ffff, 0x100, 0x101, 0x137, 0x138, 0x139, 0x13a].map(bits)).toEqual([7, 0, 1, 1, 1, 0, 1]);
});

test.each(names)("a plain word is what %s makes of it", (name) => {
  const scan = scanners[name]();
  const letters = fc.constantFrom(..." aAzZ'’.,\n1éЖ", "ab", "Ab", " the", "'s");
  let plain = 0;
  fc.assert(
    fc.property(fc.oneof(text, fc.string({ unit: letters, minLength: 10, maxLength: 40 })), (drawn) => {
      const buffer = new TextBuffer(drawn.length);
      const length = buffer.write(drawn);
      for (let start = 0; start < length; start = scan(buffer.bytes, start, length)) {
        const end = plainWordEnd(buffer.bytes, start);
        if (end > 0) expect(end).toBe(scan(buffer.bytes, start, length));
        if (end > 0) plain++;
      }
    }),
    { numRuns: 1000 },
  );
  expect(plain).toBeGreaterThan(50);
});
