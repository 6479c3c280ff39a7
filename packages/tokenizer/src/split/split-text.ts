import { CASELESS, characterClasses, LOWER, UPPER } from "./character-classes.ts";
import { type Searcher, searchByRegularExpression } from "./regular-expression.ts";
import { type Scanner, scanners } from "./scanners.ts";
import { type SplitPatterns, splitPatterns } from "./split-patterns.ts";
import { TextBuffer } from "./text-buffer.ts";
import { countBytes, countUnits, startBefore, type Utf8 } from "./utf8.ts";

/** A part of a text that can be cut into pieces by itself. */
export interface Stretch {
  readonly bytes: Utf8;
  /** The same, to be read four bytes at a time, behind the end too. */
  readonly view: DataView;
  /** Its bytes; what stands behind them is not part of it. */
  readonly length: number;
  /** Whether words are pieces that `plainWordEnd` finds. */
  readonly hasPlainWords: boolean;
  /** Where the piece ends that begins at a place; asked for one piece after the other. */
  readonly pieceEnd: Scanner;
}

/** How many UTF-16 units are read at a time: few enough to stay in the processor's cache. */
const STRETCH = 2 ** 15;

/** Cuts text into pieces by a split pattern; null: a text is one piece. */
export class TextSplitter {
  private readonly scan: Scanner | undefined;
  private readonly search: Searcher = (text) => text.length;
  private readonly buffer = new TextBuffer(STRETCH);

  /** @throws InvalidPatternError */
  constructor(pattern: string | null) {
    const known = pattern === null ? undefined : knownPattern(pattern);
    if (known !== undefined) this.scan = scanners[known]();
    else if (pattern !== null) this.search = searchByRegularExpression(pattern);
  }

  /** Whether it cuts by a scanner written by hand, which takes linear time for any text. */
  get isKnown(): boolean {
    return this.scan !== undefined;
  }

  /** The whole text, a stretch at a time; each overwrites the one before. @throws PieceTooLongError */
  stretches(text: string): Generator<Stretch> {
    return this.scan === undefined ? this.searched(text) : this.scanned(text, this.scan);
  }

  /** Cut where every known pattern cuts, whatever comes before and after. */
  private *scanned(text: string, pieceEnd: Scanner): Generator<Stretch> {
    let size = STRETCH;
    for (let start = 0; start < text.length; ) {
      const end = wholeCharacters(text, start + size);
      const { bytes, view, written } = this.read(text, start, end);
      const length = end === text.length ? written : lastBorder(bytes, written);
      if (length === 0) size *= 2;
      else {
        yield { bytes, view, length, hasPlainWords: true, pieceEnd };
        start = end - countUnits(bytes, length, written);
      }
    }
  }

  /** Some pieces at a time, of which the ends are known before. */
  private *searched(text: string): Generator<Stretch> {
    for (let start = 0; start < text.length; ) {
      const ends: number[] = [];
      let end = start;
      for (let length = 0; end < text.length && end < start + STRETCH; ends.push(length)) {
        const from = end;
        end = this.search(text, from);
        length += countBytes(text, from, end);
      }
      const { bytes, view, written } = this.read(text, start, end);
      let next = 0;
      yield { bytes, view, length: written, hasPlainWords: false, pieceEnd: () => ends[next++] as number };
      start = end;
    }
  }

  private read(text: string, start: number, end: number): { bytes: Utf8; view: DataView; written: number } {
    const buffer = end - start <= this.buffer.mostUnits ? this.buffer : new TextBuffer(end - start);
    const written = buffer.write(text.slice(start, end));
    return { bytes: buffer.bytes, view: buffer.view, written };
  }
}

/** `end`, or one before where it would cut a character in two; at most the text's end. */
function wholeCharacters(text: string, end: number): number {
  if (end >= text.length) return text.length;
  const isHigh = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHigh ? end - 1 : end;
}

/** The last space between two letters, where all known patterns cut whatever comes before and after; 0 if there is none. */
function lastBorder(text: Utf8, length: number): number {
  const classes = characterClasses();
  const isLetter = (index: number): boolean => (classes.at(text, index, length) & (UPPER | LOWER | CASELESS)) !== 0;
  for (let border = length - 2; border > 0; border--) {
    if (text[border] === 0x20 && isLetter(border + 1) && isLetter(startBefore(text, border))) return border;
  }
  return 0;
}

/** Other ways in which published files write the known patterns. */
const OTHER_SPELLINGS: Readonly<Record<string, keyof SplitPatterns>> = {
  // OpenAI's encoder.py; Hugging Face's ByteLevel
  [String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`]: "gpt2",
  // tiktoken
  [String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s`]: "gpt2",
  [String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s`]:
    "cl100k",
  // tiktoken before 0.8, when cl100k cut as Llama 3 does
  [String.raw`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`]:
    "llama3",
};

/** The known pattern that cuts as this one does. */
export function knownPattern(pattern: string): keyof SplitPatterns | undefined {
  const names = Object.keys(splitPatterns) as (keyof SplitPatterns)[];
  return names.find((name) => splitPatterns[name] === pattern) ?? OTHER_SPELLINGS[pattern];
}
