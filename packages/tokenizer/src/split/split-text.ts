import { scanByRegularExpression } from "./regular-expression.ts";
import { type Scanner, scanners } from "./scanners.ts";
import { type SplitPatterns, splitPatterns } from "./split-patterns.ts";

/** Cuts text into pieces by a split pattern; see {@link scannerOf}. */
export class TextSplitter {
  /** The end of the piece that begins at `start`. @throws PieceTooLongError */
  readonly pieceEnd: Scanner;

  constructor(pattern: string | null) {
    this.pieceEnd = scannerOf(pattern);
  }
}

/** A known pattern has a scanner written by hand; any other is a regular expression; without one, text is one piece. */
function scannerOf(pattern: string | null): Scanner {
  if (pattern === null) return (text) => text.length;
  const known = knownPattern(pattern);
  return known === undefined ? scanByRegularExpression(pattern) : scanners[known]();
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

function knownPattern(pattern: string): keyof SplitPatterns | undefined {
  const names = Object.keys(splitPatterns) as (keyof SplitPatterns)[];
  return names.find((name) => splitPatterns[name] === pattern) ?? OTHER_SPELLINGS[pattern];
}
