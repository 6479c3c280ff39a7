import { PieceTooLongError } from "../errors.ts";
import { compilePattern } from "./compile-pattern.ts";

/**
 * Cuts text into pieces by a split pattern. What the pattern does not match is a piece too, so that no text is lost
 * (`Split` with behaviour `Isolated` in Hugging Face's tokenizers). Without a pattern all text is one piece.
 */
export class TextSplitter {
  private readonly sticky: RegExp | undefined;
  private readonly searching: RegExp | undefined;

  constructor(pattern: string | null) {
    if (pattern === null) return;
    this.sticky = compilePattern(pattern);
    this.searching = new RegExp(this.sticky.source, "ug");
  }

  /** The end of the piece that begins at `start`. @throws PieceTooLongError */
  pieceEnd(text: string, start: number): number {
    try {
      return this.matchEnd(text, start) ?? this.nextMatch(text, start);
    } catch (cause) {
      // The stack for backtracking is bounded: in V8, a text beyond Latin-1 fills it in some four million steps.
      throw new PieceTooLongError(start, { cause });
    }
  }

  private matchEnd(text: string, start: number): number | undefined {
    const { sticky } = this;
    if (sticky === undefined) return text.length;
    // A sticky `test` is much faster than `exec` or `matchAll`, which build an object per match.
    sticky.lastIndex = start;
    return sticky.test(text) && sticky.lastIndex > start ? sticky.lastIndex : undefined;
  }

  private nextMatch(text: string, start: number): number {
    const searching = this.searching as RegExp;
    searching.lastIndex = start;
    for (let match = searching.exec(text); match !== null; match = searching.exec(text)) {
      if (match[0] === "") searching.lastIndex += (text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1;
      else return match.index;
    }
    return text.length;
  }
}
