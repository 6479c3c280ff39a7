import type { TokenId } from "../tokenizer.ts";

const EMPTY = -1;

/**
 * The merges of a vocabulary: (left id, right id) → rank and merged id. Open addressing over flat arrays, because a
 * million pairs as keys of a `Map` cost ten times the memory and several times the look-up.
 */
export class PairTable {
  private readonly mask: number;
  private readonly lefts: Int32Array;
  private readonly rights: Int32Array;
  /** Rank of the pair in each slot: lower merges earlier. */
  readonly ranks: Int32Array;
  /** Id of the merged token in each slot. */
  readonly merged: Int32Array;

  /** @param capacity the most pairs that will be added */
  constructor(capacity: number) {
    const slots = 2 ** Math.ceil(Math.log2(2 * capacity + 2));
    this.mask = slots - 1;
    this.lefts = new Int32Array(slots).fill(EMPTY);
    this.rights = new Int32Array(slots);
    this.ranks = new Int32Array(slots);
    this.merged = new Int32Array(slots);
  }

  /** Adds a merge; false if the pair was there already. */
  add(left: TokenId, right: TokenId, rank: number, merged: TokenId): boolean {
    const slot = this.probe(left, right);
    if (this.lefts[slot] !== EMPTY) return false;
    this.lefts[slot] = left;
    this.rights[slot] = right;
    this.ranks[slot] = rank;
    this.merged[slot] = merged;
    return true;
  }

  /** The pair's slot, or −1 if the two do not merge. */
  find(left: TokenId, right: TokenId): number {
    const slot = this.probe(left, right);
    return this.lefts[slot] === EMPTY ? -1 : slot;
  }

  /** The slot that holds the pair, or the empty one where it belongs. */
  private probe(left: TokenId, right: TokenId): number {
    const { lefts, rights, mask } = this;
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (lefts[slot] !== EMPTY && (lefts[slot] !== left || rights[slot] !== right)) slot = (slot + 1) & mask;
    return slot;
  }
}
