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
  at(text: string, index: number): number {
    if (index >= text.length) return 0;
    return this.classes[text.charCodeAt(index)] || this.lookCloser(text, index);
  }

  /** The end of the run of characters of the classes in `set` that begins at `index`. */
  runEnd(text: string, index: number, set: number): number {
    const { classes } = this;
    const { length } = text;
    let end = index;
    while (end < length) {
      const known = classes[text.charCodeAt(end)] as number;
      if ((known & set) !== 0) end++;
      else if (known !== 0 || (this.lookCloser(text, end) & set) === 0) break;
      else end += widthAt(text, end);
    }
    return end;
  }

  private lookCloser(text: string, index: number): number {
    if (this.known < CODE_POINTS) {
      this.learn(CODE_POINTS);
      this.classes.fill(0, 0xd800, 0xdc00);
    }
    return this.classes[text.codePointAt(index) as number] || OTHER;
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

/** How many UTF-16 units the character at `index` has. */
export function widthAt(text: string, index: number): number {
  const mayBeHalf = (text.charCodeAt(index) & 0xfc00) === 0xd800;
  return mayBeHalf && (text.codePointAt(index) as number) > 0xffff ? 2 : 1;
}

let shared: CharacterClasses | undefined;

/** The one table, made when first asked for. */
export function characterClasses(): CharacterClasses {
  shared ??= new CharacterClasses();
  return shared;
}
