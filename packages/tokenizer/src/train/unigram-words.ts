import type { WordCounts } from "./word-counts.ts";

/** A character of the words: where it stands first, and how often it occurs in the texts. */
interface Character {
  readonly code: number;
  readonly start: number;
  readonly length: 1;
  count: number;
}

/** Distinct words as code points, side by side, a 0 after each. */
export class UnigramWords {
  readonly numWords: number;
  readonly codes: Int32Array;
  /** Where each word begins, and where the next one would. */
  readonly starts: Int32Array;
  readonly counts: Float64Array;

  constructor(words: WordCounts) {
    this.numWords = words.size;
    this.counts = Float64Array.from({ length: words.size }, (_, word) => words.count(word));
    this.starts = new Int32Array(words.size + 1);
    const codes = new Int32Array(words.numBytes + words.size);
    let length = 0;
    for (let word = 0; word < words.size; word++) {
      for (const character of words.word(word)) codes[length++] = character.codePointAt(0) as number;
      this.starts[word + 1] = ++length;
    }
    this.codes = codes.slice(0, length);
  }

  /** Characters in a word. */
  length(word: number): number {
    return (this.starts[word + 1] as number) - (this.starts[word] as number) - 1;
  }

  text(start: number, length: number): string {
    return String.fromCodePoint(...this.codes.subarray(start, start + length));
  }

  /** All characters but U+0000. */
  characters(): Character[] {
    const found = new Map<number, Character>();
    for (let word = 0; word < this.numWords; word++) {
      const start = this.starts[word] as number;
      for (let i = start; i < start + this.length(word); i++) {
        const code = this.codes[i] as number;
        const known = found.get(code);
        if (known !== undefined) known.count += this.counts[word] as number;
        else if (code !== 0) found.set(code, { code, start: i, length: 1, count: this.counts[word] as number });
      }
    }
    return [...found.values()];
  }
}
