import type { UnigramWords } from "./unigram-words.ts";

/** A substring of the words: where it stands first in the sorted suffixes, its length, and how often it occurs. */
export interface Substring {
  readonly start: number;
  readonly length: number;
  readonly count: number;
  /** Sorts like the substring itself, together with the length. */
  readonly rank: number;
}

/**
 * The substrings of 2 to `maxLength` characters that occur at least twice in distinct words (or in one) and are
 * followed there by different characters or ends: longer ones occur less often. They are the inner nodes of the suffix
 * tree (Abouelhoda et al. 2004), read off the sorted suffixes.
 */
export function frequentSubstrings(words: UnigramWords, maxLength: number): Substring[] {
  const { codes } = words;
  const suffixes = sortedSuffixes(codes, maxLength + 1);
  const found: Substring[] = [];
  const open: { length: number; rank: number }[] = []; // substrings that the suffixes seen last begin with
  for (let i = 1; i <= suffixes.length; i++) {
    const common = i < suffixes.length ? commonLength(codes, suffixes, i, maxLength + 1) : 0;
    let rank = i - 1;
    for (let top = open.at(-1); top !== undefined && top.length > common; top = open.at(-1)) {
      open.pop();
      rank = top.rank;
      const start = suffixes[rank] as number;
      const isWhole = codes[start + top.length - 1] !== 0;
      if (top.length > 1 && top.length <= maxLength && isWhole) {
        found.push({ start, length: top.length, count: i - rank, rank });
      }
    }
    if (common > (open.at(-1)?.length ?? 0)) open.push({ length: common, rank });
  }
  return found;
}

/** How many characters two neighbours have in common, the end of the word counted as one; `limit` at most. */
function commonLength(codes: Int32Array, suffixes: Int32Array, i: number, limit: number): number {
  const [a, b] = [suffixes[i - 1] as number, suffixes[i] as number];
  let length = 0;
  while (length < limit && codes[a + length] === codes[b + length]) {
    if (codes[a + length++] === 0) break;
  }
  return length;
}

/**
 * Where the words' suffixes begin, sorted by their first `depth` characters: multikey quicksort (Bentley and Sedgewick
 * 1997).
 */
function sortedSuffixes(codes: Int32Array, depth: number): Int32Array {
  const suffixes = Int32Array.from(codes.keys()).filter((start) => codes[start] !== 0);
  const todo: [start: number, end: number, offset: number][] = [[0, suffixes.length, 0]];
  for (let range = todo.pop(); range !== undefined; range = todo.pop()) {
    const [start, end, offset] = range;
    if (end - start < 2 || offset === depth) continue;
    const pivot = codes[(suffixes[(start + end) >> 1] as number) + offset] as number;
    const [less, greater] = partition(codes, suffixes, start, end, offset, pivot);
    todo.push([start, less, offset], [greater, end, offset]);
    if (pivot !== 0) todo.push([less, greater, offset + 1]);
  }
  return suffixes;
}

/** Sorts a range into suffixes whose character at `offset` is less than, equal to and greater than the pivot. */
function partition(
  codes: Int32Array,
  suffixes: Int32Array,
  start: number,
  end: number,
  offset: number,
  pivot: number,
): [less: number, greater: number] {
  let [less, greater] = [start, end];
  for (let i = start; i < greater; ) {
    const suffix = suffixes[i] as number;
    const code = codes[suffix + offset] as number;
    if (code === pivot) {
      i++;
      continue;
    }
    const to = code < pivot ? less++ : --greater;
    suffixes[i] = suffixes[to] as number;
    suffixes[to] = suffix;
    if (code < pivot) i++;
  }
  return [less, greater];
}
