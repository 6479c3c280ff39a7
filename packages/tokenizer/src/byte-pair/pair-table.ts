import type { TokenId } from "../tokenizer.ts";

const EMPTY = -1;

/**
 * Pairs of ids → a number each. Open addressing over flat arrays, because a million pairs as keys of a `Map` cost ten
 * times the memory and several times the look-up.
 */
export class PairTable {
  private readonly slots: Int32Array; // left, right, value, unused: a slot lies in one line of the cache
  private readonly mask: number;

  /** @param capacity the most pairs that will be added */
  constructor(capacity: number) {
    const slots = 4 * 2 ** Math.ceil(Math.log2(2 * capacity + 2));
    this.mask = slots - 1;
    this.slots = new Int32Array(slots).fill(EMPTY);
  }

  /** Adds a pair; false if it was there already. */
  add(left: TokenId, right: TokenId, value: number): boolean {
    const slot = this.find(left, right);
    if (this.slots[slot] !== EMPTY) return false;
    this.slots[slot] = left;
    this.slots[slot + 1] = right;
    this.slots[slot + 2] = value;
    return true;
  }

  /** The number of a pair, if it was added. */
  get(left: TokenId, right: TokenId): number | undefined {
    const slot = this.find(left, right);
    return this.slots[slot] === EMPTY ? undefined : this.slots[slot + 2];
  }

  /** The slot that holds the pair, or the empty one where it belongs. */
  private find(left: TokenId, right: TokenId): number {
    const { slots, mask } = this;
    const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    let slot = ((mixed ^ (mixed >>> 15)) << 2) & mask;
    while (slots[slot] !== EMPTY && (slots[slot] !== left || slots[slot + 1] !== right)) slot = (slot + 4) & mask;
    return slot;
  }
}
