import { withRoom } from "./grow.ts";

/** A tree of code points. Its edges are an open-addressing table: (node, code) → node. */
export class PieceTrie {
  private numNodes = 1; // 0 is the root
  private slots = new Int32Array(3 * 2 ** 12); // node, code, child (0: free)
  private mask = 2 ** 12 - 1;
  /** By node: the piece that ends there, or −1. */
  pieces: Int32Array = new Int32Array(2 ** 12).fill(-1);

  /** The node where the piece of `length` codes ends, made if it is not there. */
  add(codes: Int32Array, start: number, length: number): number {
    let node = 0;
    for (let i = start; i < start + length; i++) node = this.grow(node, codes[i] as number);
    return node;
  }

  /** The node that `code` leads to, 0 if none. */
  child(node: number, code: number): number {
    return this.slots[this.find(node, code) + 2] as number;
  }

  private grow(node: number, code: number): number {
    const slot = this.find(node, code);
    const known = this.slots[slot + 2] as number;
    if (known !== 0) return known;
    const child = this.numNodes++;
    this.slots[slot] = node;
    this.slots[slot + 1] = code;
    this.slots[slot + 2] = child;
    if (child >= this.pieces.length) this.pieces = withRoom(this.pieces, child + 1).fill(-1, child);
    if (2 * this.numNodes > this.mask) this.rehash();
    return child;
  }

  private find(node: number, code: number): number {
    const { slots, mask } = this;
    const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b);
    let place = (mixed ^ (mixed >>> 15)) & mask;
    while (slots[3 * place + 2] !== 0 && (slots[3 * place] !== node || slots[3 * place + 1] !== code)) {
      place = (place + 1) & mask;
    }
    return 3 * place;
  }

  private rehash(): void {
    const old = this.slots;
    this.slots = new Int32Array(2 * old.length);
    this.mask = 2 * this.mask + 1;
    for (let i = 0; i < old.length; i += 3) {
      if (old[i + 2] === 0) continue;
      this.slots.set(old.subarray(i, i + 3), this.find(old[i] as number, old[i + 1] as number));
    }
  }
}
