import { Heap } from "../heap.ts";
import type { TokenId } from "../tokenizer.ts";
import type { PairTable } from "./pair-table.ts";

/**
 * Byte-pair encoding of one piece, ids of bytes → ids of tokens: merges the pair of lowest rank, the leftmost among
 * equals, until none is left. O(n log n): candidates wait in a heap ordered by rank and position, and parts are
 * linked, so that a piece of a million letters is no trap. `ids` is used up.
 */
export function mergePiece(ids: Int32Array, table: PairTable): Int32Array {
  // rank · length + position orders by rank, then position; it is exact below 2⁵³, so for every vocabulary (ranks below
  // 2²⁴) and pieces of up to half a gigabyte.
  const { length } = ids;
  const parts = new LinkedParts(ids);
  const candidates = new Heap<number>((a, b) => a < b);
  const propose = (position: number): void => {
    const slot = parts.findPair(position, table);
    if (slot >= 0) candidates.push((table.ranks[slot] as number) * length + position);
  };
  for (let position = 0; position < length; position++) propose(position);
  for (let candidate = candidates.pop(); candidate !== undefined; candidate = candidates.pop()) {
    const position = candidate % length;
    const slot = parts.findPair(position, table);
    if (slot < 0 || table.ranks[slot] !== (candidate - position) / length) continue; // a neighbour merged meanwhile
    parts.merge(position, table.merged[slot] as number);
    propose(position);
    propose(parts.before(position));
  }
  return parts.remaining();
}

const GONE = -1;

/** The parts of a piece, each known by the position where it starts; merging swallows the part to the right. */
class LinkedParts {
  private readonly ids: Int32Array;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;

  constructor(ids: Int32Array) {
    this.ids = ids;
    this.next = new Int32Array(ids.length);
    this.previous = new Int32Array(ids.length + 1);
    for (let i = 0; i < ids.length; i++) {
      this.next[i] = i + 1;
      this.previous[i] = i - 1;
    }
  }

  /** The slot of the pair that begins at `position`, or −1 if there is no part, no neighbour, or no merge. */
  findPair(position: number, table: PairTable): number {
    const { ids, next } = this;
    if (position < 0 || ids[position] === GONE) return -1;
    const after = next[position] as number;
    return after < ids.length ? table.find(ids[position] as number, ids[after] as number) : -1;
  }

  merge(position: number, merged: TokenId): void {
    const swallowed = this.next[position] as number;
    const after = this.next[swallowed] as number;
    this.ids[position] = merged;
    this.ids[swallowed] = GONE;
    this.next[position] = after;
    this.previous[after] = position;
  }

  /** Where the part before this one starts; −1 before the first. */
  before(position: number): number {
    return this.previous[position] as number;
  }

  /** The ids that are left, in order. */
  remaining(): Int32Array {
    return this.ids.filter((id) => id !== GONE);
  }
}
