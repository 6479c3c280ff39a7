import { CASELESS, characterClasses, LOWER, type Units, UPPER } from "./character-classes.ts";
import { type Searcher, searchByRegularExpression } from "./regular-expression.ts";
import { type Scanner, scanners } from "./scanners.ts";
import { type SplitPatterns, splitPatterns } from "./split-patterns.ts";
import { readUnits } from "./units.ts";

/** Pieces of a text, one after the other. */
export interface Pieces {
  readonly units: Units;
  /** Where `units` begins in the text. */
  readonly offset: number;
  /** Where the first piece begins in `units`. */
  readonly start: number;
  /** Where each piece ends in `units`, which is where the next one begins. */
  readonly ends: Int32Array;
  /** How many pieces there are. */
  readonly count: number;
}

/** How many units are cut at a time: few enough to stay in the processor's cache. */
const STRETCH = 2 ** 15;
const MOST_PIECES = 2 ** 12;

/** Cuts text into pieces by a split pattern; null: a text is one piece. */
export class TextSplitter {
  private readonly scan: Scanner | undefined;
  private readonly search: Searcher | undefined;

  /** @throws InvalidPatternError */
  constructor(pattern: string | null) {
    const known = pattern === null ? undefined : knownPattern(pattern);
    if (known !== undefined) this.scan = scanners[known]();
    else this.search = pattern === null ? (text) => text.length : searchByRegularExpression(pattern);
  }

  /** Whether it cuts by a scanner written by hand, which takes linear time for any text. */
  get isKnown(): boolean {
    return this.scan !== undefined;
  }

  /** All pieces of the text, many at a time; what one step gives is overwritten by the next. @throws PieceTooLongError */
  *pieces(text: string): Generator<Pieces> {
    const ends = new Int32Array(Math.min(MOST_PIECES, text.length));
    for (const { units, offset, length, pieceEnd } of this.stretches(text)) {
      for (let start = 0; start < length; ) {
        const count = fillEnds(pieceEnd, units, start, length, ends);
        yield { units, offset, start, ends, count };
        start = ends[count - 1] as number;
      }
    }
  }

  private *stretches(text: string): Generator<Stretch> {
    const { scan, search } = this;
    if (search !== undefined) {
      const units = readUnits(text, 0, text.length);
      yield { units, offset: 0, length: text.length, pieceEnd: (_, start) => search(text, start) };
    } else yield* certainStretches(text, scan as Scanner);
  }
}

/** Units that can be cut by themselves. */
interface Stretch {
  readonly units: Units;
  readonly offset: number;
  readonly length: number;
  readonly pieceEnd: Scanner;
}

function* certainStretches(text: string, pieceEnd: Scanner): Generator<Stretch> {
  let size = STRETCH;
  for (let start = 0; start < text.length; ) {
    const end = Math.min(text.length, start + size);
    const units = readUnits(text, start, end);
    const length = end === text.length ? end - start : lastBorder(units, end - start);
    if (length === 0) size *= 2;
    else {
      yield { units, offset: start, length, pieceEnd };
      start += length;
    }
  }
}

function fillEnds(pieceEnd: Scanner, units: Units, start: number, length: number, ends: Int32Array): number {
  let count = 0;
  for (let from = start; from < length && count < ends.length; count++) {
    from = pieceEnd(units, from, length);
    ends[count] = from;
  }
  return count;
}

/** The last space between two letters, where all known patterns cut whatever comes before and after; 0 if there is none. */
function lastBorder(units: Units, length: number): number {
  const classes = characterClasses();
  const isLetter = (index: number): boolean => (classes.at(units, index, length) & (UPPER | LOWER | CASELESS)) !== 0;
  for (let border = length - 2; border > 0; border--) {
    if (units[border] === 0x20 && isLetter(border - 1) && isLetter(border + 1)) return border;
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
