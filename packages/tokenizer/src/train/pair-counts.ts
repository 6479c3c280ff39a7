import type { TokenId } from "../tokenizer.ts";
import { withRoom } from "../with-room.ts";

/** Every pair of neighbours that was ever met, numbered, with its count. Open addressing over flat arrays. */
export class PairCounts {
  /** Number of pairs met. */
  size = 0;
  /** By number of the pair. */
  counts: Float64Array = new Float64Array(4096);
  /** Number of the pair plus 1; 0: free. */
  private slots = new Int32Array(2 * 4096);
  private ids = new Int32Array(2 * 4096); // left, right, left, right, …

  left(pair: number): TokenId {
    return this.ids[2 * pair] as TokenId;
  }

  right(pair: number): TokenId {
    return this.ids[2 * pair + 1] as TokenId;
  }

  /** The number of a pair, a new one with count 0 if it was never met. */
  numberOf(left: TokenId, right: TokenId): number {
    const { slots, ids } = this;
    const mask = slots.length - 1;
    let slot = hashPair(left, right) & mask;
    for (let entry = slots[slot] as number; entry !== 0; entry = slots[slot] as number) {
      if (ids[2 * entry - 2] === left && ids[2 * entry - 1] === right) return entry - 1;
      slot = (slot + 1) & mask;
    }
    slots[slot] = this.size + 1;
    return this.append(left, right);
  }

  private append(left: TokenId, right: TokenId): number {
    const pair = this.size++;
    this.counts = withRoom(this.counts, this.size);
    this.ids = withRoom(this.ids, 2 * this.size);
    this.ids[2 * pair] = left;
    this.ids[2 * pair + 1] = right;
    if (2 * this.size > this.slots.length) this.rehash();
    return pair;
  }

  private rehash(): void {
    const slots = new Int32Array(2 * this.slots.length);
    const mask = slots.length - 1;
    for (let pair = 0; pair < this.size; pair++) {
      let slot = hashPair(this.left(pair), this.right(pair)) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = pair + 1;
    }
    this.slots = slots;
  }
}

function hashPair(left: TokenId, right: TokenId): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
