import { unicodeClasses } from "./unicode-classes.ts";
import { codePointAt, type Utf8, widthAt } from "./utf8.ts";

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
/** All else. */
export const OTHER = 128;

/** The class of each letter in which `unicodeClasses` is written; in runs of the last two, cases alternate. */
const CLASS_OF_LETTER = [OTHER, UPPER, LOWER, CASELESS, MARK, NUMBER, SPACE, NEWLINE, UPPER, LOWER];
const ALTERNATING = 8;

const CODE_POINTS = 0x110000;
const ASCII = 0x80;

/**
 * The classes of all characters in the Unicode version of tiktoken and Hugging Face's tokenizers, whatever that of the
 * JavaScript engine is. Those of ASCII are known at once, the others when the first of them is met.
 */
export class CharacterClasses {
  /** By first byte; 0 where a character has more than one. */
  private readonly ofBytes = new Uint8Array(256);
  private readonly ofCodePoints = new Uint8Array(CODE_POINTS);
  private readonly runs = /([A-J])([0-9a-z]*)/g;
  private known = 0;

  constructor() {
    this.learn(ASCII);
    this.ofBytes.set(this.ofCodePoints.subarray(0, ASCII));
  }

  /** The class of the character at `index`; 0 at the end of the text. */
  at(text: Utf8, index: number, length: number): number {
    if (index >= length) return 0;
    return (this.ofBytes[text[index] as number] as number) || this.beyondAscii(text, index);
  }

  /** The end of the run of characters of the classes in `set` that begins at `index`. */
  runEnd(text: Utf8, index: number, length: number, set: number): number {
    const { ofBytes } = this;
    let end = index;
    while (end < length && ((ofBytes[text[end] as number] as number) & set) !== 0) end++;
    return end < length && (text[end] as number) >= ASCII ? this.runEndBeyondAscii(text, end, length, set) : end;
  }

  private runEndBeyondAscii(text: Utf8, index: number, length: number, set: number): number {
    let end = index;
    while (end < length && (this.at(text, end, length) & set) !== 0) end += widthAt(text, end);
    return end;
  }

  private beyondAscii(text: Utf8, index: number): number {
    if (this.known < CODE_POINTS) this.learn(CODE_POINTS);
    return this.ofCodePoints[codePointAt(text, index)] as number;
  }

  private learn(end: number): void {
    while (this.known < end) {
      const [, letter = "", length = "1"] = this.runs.exec(unicodeClasses) as RegExpExecArray;
      this.learnRun(letter.charCodeAt(0) - 65, Number.parseInt(length || "1", 36));
    }
  }

  private learnRun(letter: number, length: number): void {
    const { ofCodePoints, known } = this;
    const first = CLASS_OF_LETTER[letter] as number;
    ofCodePoints.fill(first, known, known + length);
    if (letter >= ALTERNATING) for (let i = 1; i < length; i += 2) ofCodePoints[known + i] = UPPER + LOWER - first;
    this.known += length;
  }
}

let shared: CharacterClasses | undefined;

/** The one table, made when first asked for. */
export function characterClasses(): CharacterClasses {
  shared ??= new CharacterClasses();
  return shared;
}
