import { TokenPositionError } from "./errors.ts";

/** A long row of token ids with random access, in memory or on disk. */
export interface TokenSource {
  readonly length: number;
  /** The ids at positions `start` … `end − 1`. */
  read(start: number, end: number): Int32Array;
}

/** Ids in memory as a `TokenSource`. They are not copied: change them no more. `read` throws TokenPositionError. */
export function inMemoryTokens(ids: ArrayLike<number>): TokenSource {
  return {
    length: ids.length,
    read(start: number, end: number): Int32Array {
      requireRange(start, end, ids.length);
      const tokens = new Int32Array(end - start);
      for (let i = 0; i < tokens.length; i++) tokens[i] = ids[start + i];
      return tokens;
    },
  };
}

/** Throws TokenPositionError unless 0 ≤ start ≤ end ≤ length. */
export function requireRange(start: number, end: number, length: number): void {
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (!whole || start < 0 || start > end || end > length) throw new TokenPositionError(start, end, length);
}
