import {
  CASELESS,
  characterClasses,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  OTHER,
  SPACE,
  UPPER,
  widthAt,
} from "./character-classes.ts";
import type { SplitPatterns } from "./split-patterns.ts";

/*
 * The known split patterns, written by hand: where the piece ends that begins at an index, in the words of
 * `splitPatterns`. Much faster than a regular expression, and in constant memory for pieces of any length.
 */

/** The end of the piece that begins at `start`, which must be the beginning of a character. */
export type Scanner = (text: string, start: number) => number;

const LETTER = UPPER | LOWER | CASELESS;
const WHITE = SPACE | NEWLINE;
/** `[^\s\p{L}\p{N}]` */
const PUNCTUATION = MARK | OTHER;

const SPACE_CHARACTER = 0x20;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;

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
  return (text, start) => {
    const first = text.charCodeAt(start);
    const from = first === SPACE_CHARACTER ? start + 1 : start;
    const kind = classes.at(text, from);
    if ((kind & LETTER) !== 0) return classes.runEnd(text, from, LETTER);
    if ((kind & NUMBER) !== 0) return classes.runEnd(text, from, NUMBER);
    if ((kind & PUNCTUATION) !== 0) {
      const end = contractionEnd(text, start, false);
      return end > start ? end : classes.runEnd(text, from, PUNCTUATION);
    }
    return spacesEnd(text, start, classes.runEnd(text, start, WHITE));
  };
}

/**
 * The patterns of cl100k, Llama 3 and Qwen 2: a word takes any one character before it, a number has a few digits.
 * @param lastIsOne white space at the end of the text is one piece, even if it has line ends
 */
function scanWords(mostDigits: number, lastIsOne: boolean): Scanner {
  const classes = characterClasses();
  return (text, start) => {
    const kind = classes.at(text, start);
    if ((kind & LETTER) !== 0) return classes.runEnd(text, start, LETTER);
    if ((kind & NUMBER) !== 0) return numberEnd(text, start, mostDigits);
    if (kind !== NEWLINE) {
      const contraction = contractionEnd(text, start, true);
      if (contraction > start) return contraction;
      const second = start + widthAt(text, start);
      const next = classes.at(text, second);
      if ((next & LETTER) !== 0) return classes.runEnd(text, second, LETTER);
      if ((kind & PUNCTUATION) !== 0 || ((next & PUNCTUATION) !== 0 && isSpace(text, start))) {
        return classes.runEnd(text, classes.runEnd(text, second, PUNCTUATION), NEWLINE);
      }
    }
    const end = classes.runEnd(text, start, WHITE);
    return lastIsOne && end === text.length ? end : linesEnd(text, start, end);
  };
}

/** The pattern of o200k: words are cut where upper case follows lower case, too, and keep their contraction. */
function scanCased(): Scanner {
  const classes = characterClasses();
  return (text, start) => {
    const kind = classes.at(text, start);
    if ((kind & NUMBER) !== 0) return numberEnd(text, start, 3);
    const word = kind === NEWLINE ? start : wordEnd(text, start, kind);
    if (word > start) return contractionEnd(text, word, true);
    const from = isSpace(text, start) ? start + 1 : start;
    if ((classes.at(text, from) & PUNCTUATION) !== 0) {
      return slashesEnd(text, classes.runEnd(text, from, PUNCTUATION));
    }
    return linesEnd(text, start, classes.runEnd(text, start, WHITE));
  };

  /** The end of a word, of which `kind` is the first character or the one before; `start` if there is none. */
  function wordEnd(text: string, start: number, kind: number): number {
    const isLetter = (kind & LETTER) !== 0;
    const from = isLetter ? start : start + widthAt(text, start);
    const lower = lowerEnd(text, from);
    if (lower > 0) return lower;
    if (kind === MARK) return from; // a word by itself
    const upper = classes.runEnd(text, from, UPPER);
    return upper > from ? upper : start;
  }

  /** The end of `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`; 0 if it does not match. */
  function lowerEnd(text: string, from: number): number {
    const turn = classes.runEnd(text, from, UPPER | CASELESS | MARK);
    if ((classes.at(text, turn) & LOWER) !== 0) return classes.runEnd(text, turn, LOWER | CASELESS | MARK);
    let end = 0; // after the last character that has no case
    for (let start = from; start < turn; ) {
      const caseless = classes.runEnd(text, start, UPPER);
      start = classes.runEnd(text, caseless, CASELESS | MARK);
      if (start > caseless) end = start;
    }
    return end;
  }
}

/** The end of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `start`; `start` if there is none. */
function contractionEnd(text: string, start: number, anyCase: boolean): number {
  if (text.charCodeAt(start) !== APOSTROPHE) return start;
  const second = letterAt(text, start + 1, anyCase);
  if (second === "l") return letterAt(text, start + 2, anyCase) === "l" ? start + 3 : start;
  if (second === "r" || second === "v") return letterAt(text, start + 2, anyCase) === "e" ? start + 3 : start;
  return second === "s" || second === "t" || second === "m" || second === "d" ? start + 2 : start;
}

/** With `anyCase`, letters that fold to the same are the same, as `ſ` and `s`. */
function letterAt(text: string, index: number, anyCase: boolean): string {
  const letter = text.charAt(index);
  if (!anyCase) return letter;
  return letter === "\u017f" ? "s" : letter.toLowerCase();
}

/** The end of `\p{N}{1,most}`. */
function numberEnd(text: string, start: number, most: number): number {
  const classes = characterClasses();
  let end = start;
  for (let digits = 0; digits < most && (classes.at(text, end) & NUMBER) !== 0; digits++) end += widthAt(text, end);
  return end;
}

/** The end of `[\r\n/]*`. */
function slashesEnd(text: string, start: number): number {
  let end = start;
  while (isNewline(text, end) || text.charCodeAt(end) === SLASH) end++;
  return end;
}

/** The end of `\s*[\r\n]+|\s+(?!\S)|\s+` in a run of white space that ends at `end`. */
function linesEnd(text: string, start: number, end: number): number {
  for (let last = end - 1; last >= start; last--) if (isNewline(text, last)) return last + 1;
  return spacesEnd(text, start, end);
}

/** The end of `\s+(?!\S)|\s+` in a run of white space that ends at `end`: what follows takes its last character. */
function spacesEnd(text: string, start: number, end: number): number {
  return end === text.length || end === start + 1 ? end : end - 1;
}

function isSpace(text: string, index: number): boolean {
  return text.charCodeAt(index) === SPACE_CHARACTER;
}

function isNewline(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit === 0x0a || unit === 0x0d;
}
