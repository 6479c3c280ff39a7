import { CASELESS, characterClasses, LOWER, MARK, NEWLINE, NUMBER, OTHER, SPACE, UPPER } from "./character-classes.ts";
import type { SplitPatterns } from "./split-patterns.ts";
import { startBefore, type Utf8, widthAt } from "./utf8.ts";

/*
 * The known split patterns, written by hand: where the piece ends that begins at an index, in the words of
 * `splitPatterns`. Much faster than a regular expression, and in constant memory for pieces of any length.
 */

/** The end of the piece that begins at `start`, which must be the beginning of a character before `length`. */
export type Scanner = (text: Utf8, start: number, length: number) => number;

const LETTER = UPPER | LOWER | CASELESS;
const WHITE = SPACE | NEWLINE;
/** `[^\s\p{L}\p{N}]` */
const PUNCTUATION = MARK | OTHER;

const SPACE_CHARACTER = 0x20;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const LONG_S = [0xc5, 0xbf] as const; // ſ
const [D, E, L, M, R, S, T, V] = [0x64, 0x65, 0x6c, 0x6d, 0x72, 0x73, 0x74, 0x76] as const;

/** The scanner of a known pattern. */
export const scanners: { readonly [name in keyof SplitPatterns]: () => Scanner } = {
  gpt2: scanGpt2,
  cl100k: () => scanWords(3, true),
  o200k: scanCased,
  llama3: () => scanWords(3, false),
  qwen2: () => scanWords(1, false),
};

function scanGpt2(): Scanner {
  const classes = characterClasses();
  return (text, start, length) => {
    const first = text[start];
    const from = first === SPACE_CHARACTER ? start + 1 : start;
    const kind = classes.at(text, from, length);
    if ((kind & LETTER) !== 0) return classes.runEnd(text, from, length, LETTER);
    if ((kind & NUMBER) !== 0) return classes.runEnd(text, from, length, NUMBER);
    if ((kind & PUNCTUATION) !== 0) {
      const end = contractionEnd(text, start, length, false);
      return end > start ? end : classes.runEnd(text, from, length, PUNCTUATION);
    }
    return spacesEnd(text, start, classes.runEnd(text, start, length, WHITE), length);
  };
}

/**
 * The patterns of cl100k, Llama 3 and Qwen 2: a word takes any one character before it, a number has a few digits.
 * @param lastIsOne white space at the end of the text is one piece, even if it has line ends
 */
function scanWords(mostDigits: number, lastIsOne: boolean): Scanner {
  const classes = characterClasses();
  return (text, start, length) => {
    const kind = classes.at(text, start, length);
    if ((kind & LETTER) !== 0) return classes.runEnd(text, start, length, LETTER);
    if ((kind & NUMBER) !== 0) return numberEnd(text, start, length, mostDigits);
    if (kind !== NEWLINE) {
      const contraction = contractionEnd(text, start, length, true);
      if (contraction > start) return contraction;
      const second = start + widthAt(text, start);
      const next = classes.at(text, second, length);
      if ((next & LETTER) !== 0) return classes.runEnd(text, second, length, LETTER);
      if ((kind & PUNCTUATION) !== 0 || ((next & PUNCTUATION) !== 0 && text[start] === SPACE_CHARACTER)) {
        return classes.runEnd(text, classes.runEnd(text, second, length, PUNCTUATION), length, NEWLINE);
      }
    }
    const end = classes.runEnd(text, start, length, WHITE);
    return lastIsOne && end === length ? end : linesEnd(text, start, end, length);
  };
}

/** The pattern of o200k: words are cut where upper case follows lower case, too, and keep their contraction. */
function scanCased(): Scanner {
  const classes = characterClasses();
  return (text, start, length) => {
    const kind = classes.at(text, start, length);
    if ((kind & NUMBER) !== 0) return numberEnd(text, start, length, 3);
    const word = kind === NEWLINE ? start : wordEnd(text, start, length, kind);
    if (word > start) return contractionEnd(text, word, length, true);
    const from = text[start] === SPACE_CHARACTER ? start + 1 : start;
    if ((classes.at(text, from, length) & PUNCTUATION) !== 0) {
      return slashesEnd(text, classes.runEnd(text, from, length, PUNCTUATION), length);
    }
    return linesEnd(text, start, classes.runEnd(text, start, length, WHITE), length);
  };

  /** The end of a word, of which `kind` is the first character or the one before; `start` if there is none. */
  function wordEnd(text: Utf8, start: number, length: number, kind: number): number {
    const isLetter = (kind & LETTER) !== 0;
    const from = isLetter ? start : start + widthAt(text, start);
    const first = isLetter ? kind : classes.at(text, from, length);
    const lower = (first & (LETTER | MARK)) === 0 ? 0 : lowerEnd(text, from, length);
    if (lower > 0) return lower;
    if (kind === MARK) return from; // a word by itself
    if (first !== UPPER) return start;
    return classes.runEnd(text, from, length, UPPER);
  }

  /** The end of `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`; 0 if it does not match. */
  function lowerEnd(text: Utf8, from: number, length: number): number {
    const turn = classes.runEnd(text, from, length, UPPER | CASELESS | MARK);
    if ((classes.at(text, turn, length) & LOWER) !== 0)
      return classes.runEnd(text, turn, length, LOWER | CASELESS | MARK);
    let end = 0; // after the last character that has no case
    for (let start = from; start < turn; ) {
      const caseless = classes.runEnd(text, start, length, UPPER);
      start = classes.runEnd(text, caseless, length, CASELESS | MARK);
      if (start > caseless) end = start;
    }
    return end;
  }
}

/**
 * The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `start`; `start` if there is none. With `anyCase`, letters
 * that fold to the same are the same, as `S`, `ſ` and `s`.
 */
function contractionEnd(text: Utf8, start: number, length: number, anyCase: boolean): number {
  if (start >= length || text[start] !== APOSTROPHE) return start;
  switch (letterAt(text, start + 1, length, anyCase)) {
    case S:
    case T:
    case M:
    case D:
      return start + 2;
    case L:
      return letterAt(text, start + 2, length, anyCase) === L ? start + 3 : start;
    case R:
    case V:
      return letterAt(text, start + 2, length, anyCase) === E ? start + 3 : start;
    case LONG_S[0]:
      return anyCase && start + 2 < length && text[start + 2] === LONG_S[1] ? start + 3 : start;
    default:
      return start;
  }
}

/** A byte, with `anyCase` that of the letter in lower case; 0 at the end of the text. */
function letterAt(text: Utf8, index: number, length: number, anyCase: boolean): number {
  if (index >= length) return 0;
  const byte = text[index] as number;
  return anyCase && byte < 0x80 ? byte | 0x20 : byte;
}

/** The end of `\p{N}{1,most}`. */
function numberEnd(text: Utf8, start: number, length: number, most: number): number {
  const classes = characterClasses();
  let end = start;
  for (let digits = 0; digits < most && (classes.at(text, end, length) & NUMBER) !== 0; digits++)
    end += widthAt(text, end);
  return end;
}

/** The end of `[\r\n/]*`. */
function slashesEnd(text: Utf8, start: number, length: number): number {
  let end = start;
  while (end < length && (isNewline(text[end]) || text[end] === SLASH)) end++;
  return end;
}

/** The end of `\s*[\r\n]+|\s+(?!\S)|\s+` in a run of white space that ends at `end`. */
function linesEnd(text: Utf8, start: number, end: number, length: number): number {
  for (let last = end - 1; last >= start; last--) if (isNewline(text[last])) return last + 1;
  return spacesEnd(text, start, end, length);
}

/** The end of `\s+(?!\S)|\s+` in a run of white space that ends at `end`: what follows takes its last character. */
function spacesEnd(text: Utf8, start: number, end: number, length: number): number {
  if (end === length) return end;
  const last = startBefore(text, end);
  return last > start ? last : end;
}

function isNewline(byte: number | undefined): boolean {
  return byte === 0x0a || byte === 0x0d;
}
