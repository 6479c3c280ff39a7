import { Heap } from "./heap.ts";
import type { PairTable } from "./pair-table.ts";

/** Positions of one piece stay below this, so that rank · POSITIONS + position is an exact number. */
const POSITIONS = 2 ** 31;

/**
 * Byte-pair encoding of one piece: merges the pair of lowest rank, the leftmost among equals, until none is left.
 * Works in place on `ids` and returns how many remain. O(n log n): candidates wait in a heap ordered by rank and
 * position, and neighbours are linked, so a piece of a million letters is no trap.
 */
export function mergePiece(ids: Int32Array, length: number, table: PairTable): number {
  const next = new Int32Array(length + 1).map((_, i) => i + 1); // the part after each part; `length` is the end
  const previous = new Int32Array(length + 1).map((_, i) => i - 1);
  const candidates = new Heap<number>((a, b) => a < b);

  const slotAt = (position: number): number => {
    const after = next[position] as number;
    return after < length ? table.find(ids[position] as number, ids[after] as number) : -1;
  };
  const propose = (position: number): void => {
    const slot = slotAt(position);
    if (slot >= 0) candidates.push((table.ranks[slot] as number) * POSITIONS + position);
  };

  for (let position = 0; position < length; position++) propose(position);
  for (let candidate = candidates.pop(); candidate !== undefined; candidate = candidates.pop()) {
    const position = candidate % POSITIONS;
    const slot = ids[position] === MERGED_AWAY ? -1 : slotAt(position);
    if (slot < 0 || table.ranks[slot] !== (candidate - position) / POSITIONS) continue; // a neighbour has merged since
    const swallowed = next[position] as number;
    const after = next[swallowed] as number;
    ids[position] = table.merged[slot] as number;
    ids[swallowed] = MERGED_AWAY;
    next[position] = after;
    previous[after] = position;
    propose(position);
    if ((previous[position] as number) >= 0) propose(previous[position] as number);
  }
  return compact(ids, length, next);
}

const MERGED_AWAY = -1;

/** Moves the surviving parts to the front. */
function compact(ids: Int32Array, length: number, next: Int32Array): number {
  let count = 0;
  for (let position = 0; position < length; position = next[position] as number) ids[count++] = ids[position] as number;
  return count;
}
