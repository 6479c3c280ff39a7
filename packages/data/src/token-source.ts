/** A long row of token ids with random access, in memory or on disk. */
export interface TokenSource {
  readonly length: number;
  /** The ids at positions `start` … `end − 1`. */
  read(start: number, end: number): Int32Array;
}
