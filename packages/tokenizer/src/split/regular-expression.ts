import { PieceTooLongError } from "../errors.ts";
import { compilePattern } from "./compile-pattern.ts";

/** The end of the piece that begins at `start`. */
export type Searcher = (text: string, start: number) => number;

/**
 * Cuts by any split pattern. What the pattern does not match is a piece too, so that no text is lost (`Split` with
 * behaviour `Isolated` in Hugging Face's tokenizers).
 *
 * @throws InvalidPatternError if the pattern does not compile
 * @throws PieceTooLongError by the searcher
 */
export function searchByRegularExpression(pattern: string): Searcher {
  const sticky = compilePattern(pattern);
  const searching = new RegExp(sticky.source, "ug");
  return (text, start) => {
    try {
      return matchEnd(sticky, text, start) ?? nextMatch(searching, text, start);
    } catch (cause) {
      // The stack for backtracking is bounded: in V8, a text beyond Latin-1 fills it in some four million steps.
      throw new PieceTooLongError(start, { cause });
    }
  };
}

function matchEnd(sticky: RegExp, text: string, start: number): number | undefined {
  // A sticky `test` is much faster than `exec` or `matchAll`, which build an object per match.
  sticky.lastIndex = start;
  return sticky.test(text) && sticky.lastIndex > start ? sticky.lastIndex : undefined;
}

function nextMatch(searching: RegExp, text: string, start: number): number {
  searching.lastIndex = start;
  for (let match = searching.exec(text); match !== null; match = searching.exec(text)) {
    if (match[0] === "") searching.lastIndex += (text.codePointAt(match.index) ?? 0) > 0xffff ? 2 : 1;
    else return match.index;
  }
  return text.length;
}
