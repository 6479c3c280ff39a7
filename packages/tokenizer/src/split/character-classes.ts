import { unicodeClasses } from "./unicode-classes.ts";

/*
 * What a character is to a split pattern, one bit each, so that a set of classes is a sum.
 */

/** Lu, Lt. */
export const UPPER = 1;
/** Ll. */
export const LOWER = 2;
/** Lm, Lo. */
export const CASELESS = 4;
/** M. */
export const MARK = 8;
/** N. */
export const NUMBER = 16;
/** White_Space, but for CR and LF. */
export const SPACE = 32;
/** CR, LF. */
export const NEWLINE = 64;
/** All else; a lone surrogate too. */
export const OTHER = 128;

/** The class of each letter in which `unicodeClasses` is written; in runs of the last two, cases alternate. */
const CLASS_OF_LETTER = [OTHER, UPPER, LOWER, CASELESS, MARK, NUMBER, SPACE, NEWLINE, UPPER, LOWER];
const ALTERNATING = 8;

/** A text as an array of UTF-16 units, which is read much faster than a string. */
export type Units = Uint16Array;

const CODE_POINTS = 0x110000;
const LATIN = 0x100;

/**
 * The classes of all characters in the Unicode version of tiktoken and Hugging Face's tokenizers, whatever that of the
 * JavaScript engine is. Those of Latin-1 are known at once, the others when the first of them is met.
 */
export class CharacterClasses {
  /** By code point. 0 where a closer look is needed: for high surrogates, and for what is not known yet. */
  private readonly classes = new Uint8Array(CODE_POINTS);
  private readonly runs = /([A-J])([0-9a-z]*)/g;
  private known = 0;

  constructor() {
    this.learn(LATIN);
  }

  /** The class of the character at `index`; 0 at the end of the text. */
  at(text: Units, index: number, length: number): number {
    if (index >= length) return 0;
    return (this.classes[text[index] as number] as number) || this.lookCloser(text, index, length);
  }

  /** The end of the run of characters of the classes in `set` that begins at `index`. */
  runEnd(text: Units, index: number, length: number, set: number): number {
    const { classes } = this;
    let end = index;
    while (end < length) {
      const known = classes[text[end] as number] as number;
      if ((known & set) !== 0) end++;
      else if (known !== 0 || (this.lookCloser(text, end, length) & set) === 0) break;
      else end += widthAt(text, end, length);
    }
    return end;
  }

  private lookCloser(text: Units, index: number, length: number): number {
    if (this.known < CODE_POINTS) {
      this.learn(CODE_POINTS);
      this.classes.fill(0, 0xd800, 0xdc00);
    }
    const unit = text[index] as number;
    if (widthAt(text, index, length) === 1) return (this.classes[unit] as number) || OTHER;
    return this.classes[0x10000 + ((unit & 0x3ff) << 10) + ((text[index + 1] as number) & 0x3ff)] as number;
  }

  private learn(end: number): void {
    while (this.known < end) {
      const [, letter = "", length = "1"] = this.runs.exec(unicodeClasses) as RegExpExecArray;
      this.learnRun(letter.charCodeAt(0) - 65, Number.parseInt(length || "1", 36));
    }
  }

  private learnRun(letter: number, length: number): void {
    const { classes, known } = this;
    const first = CLASS_OF_LETTER[letter] as number;
    classes.fill(first, known, known + length);
    if (letter >= ALTERNATING) for (let i = 1; i < length; i += 2) classes[known + i] = UPPER + LOWER - first;
    this.known += length;
  }
}

/** How many units the character at `index` has. */
export function widthAt(text: Units, index: number, length: number): number {
  if (((text[index] as number) & 0xfc00) !== 0xd800 || index + 1 >= length) return 1;
  return ((text[index + 1] as number) & 0xfc00) === 0xdc00 ? 2 : 1;
}

let shared: CharacterClasses | undefined;

/** The one table, made when first asked for. */
export function characterClasses(): CharacterClasses {
  shared ??= new CharacterClasses();
  return shared;
}
