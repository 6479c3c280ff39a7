import type { TokenId } from "../tokenizer.ts";
import { type MergeRules, NO_RANK } from "./merges.ts";
import { NumberHeap } from "./number-heap.ts";

/**
 * What {@link mergePiece} does, in O(n log n): candidates wait in a heap ordered by rank and position, and parts are
 * linked, so that a piece of a million letters is no trap.
 */
export function mergeLongPiece(ids: Int32Array, count: number, rules: MergeRules): number {
  // rank · count + position orders by rank, then position; it is exact below 2⁵³, so for every vocabulary (ranks below
  // 2²⁴) and pieces of up to half a gigabyte.
  const parts = new LinkedParts(ids, count);
  const candidates = new NumberHeap(2 * count); // at first one per pair; each merge takes one and gives two
  const rankAt = (position: number): number => {
    const after = position < 0 ? count : parts.after(position);
    return after < count ? rules.rank(ids[position] as TokenId, ids[after] as TokenId) : NO_RANK;
  };
  const propose = (position: number): void => {
    const rank = rankAt(position);
    if (rank !== NO_RANK) candidates.push(rank * count + position);
  };
  for (let position = 0; position < count; position++) propose(position);
  while (candidates.size > 0) {
    const candidate = candidates.pop();
    const position = candidate % count;
    const rank = (candidate - position) / count;
    if (ids[position] === GONE || rankAt(position) !== rank) continue; // a neighbour merged meanwhile
    parts.merge(position, rules.merged(rank));
    propose(position);
    propose(parts.before(position));
  }
  return parts.gather();
}

const GONE = -1;

/** The parts of a piece, each known by the position where it starts; merging swallows the part to the right. */
class LinkedParts {
  private readonly ids: Int32Array;
  private readonly count: number;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;

  constructor(ids: Int32Array, count: number) {
    this.ids = ids;
    this.count = count;
    this.next = new Int32Array(count);
    this.previous = new Int32Array(count + 1);
    for (let i = 0; i < count; i++) {
      this.next[i] = i + 1;
      this.previous[i] = i - 1;
    }
  }

  /** Where the part before this one starts; −1 before the first. */
  before(position: number): number {
    return this.previous[position] as number;
  }

  /** Where the part after this one starts; `count` after the last. */
  after(position: number): number {
    return this.next[position] as number;
  }

  merge(position: number, merged: TokenId): void {
    const swallowed = this.next[position] as number;
    const after = this.next[swallowed] as number;
    this.ids[position] = merged;
    this.ids[swallowed] = GONE;
    this.next[position] = after;
    this.previous[after] = position;
  }

  /** Moves the ids that are left to the front, and counts them. */
  gather(): number {
    let kept = 0;
    for (let i = 0; i < this.count; i++) if (this.ids[i] !== GONE) this.ids[kept++] = this.ids[i] as TokenId;
    return kept;
  }
}
