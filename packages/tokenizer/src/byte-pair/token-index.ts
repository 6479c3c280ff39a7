import { spell } from "../byte-alphabet.ts";
import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import type { TokenBytes } from "./token-bytes.ts";
import { entry, type TokenList } from "./token-list.ts";

const BASE = 0x01000193;
const MIX = 0x9e3779b1;
const TAKEN_BITS = 21;

// A token has a row of four numbers, and a slot two: what is looked at together lies in one line of the processor's cache.
const HASH = 0; // in a slot, too
const START = 1;
const LENGTH = 2;
const POWER = 3; // BASEⁿ for n bytes
const ROW = 4;
const ID = 1; // id + 1; 0 if the slot is free
const SLOT = 2;

/**
 * Bytes → the ordinary token that has exactly these. The hash of bytes is a polynomial in them modulo 2³², so that the
 * hash of two tokens joined follows from theirs without a look at the bytes.
 */
export class TokenIndex {
  private readonly bytes: Uint8Array;
  private readonly longest: number;
  private readonly rows: Int32Array;
  private readonly slots: Int32Array;
  private readonly shift: number;
  /** A bit for each beginning of a hash, 0 where no token has it. Unlike the slots, they stay in the processor's cache. */
  private readonly taken = new Int32Array(2 ** (TAKEN_BITS - 5));

  /** @throws MalformedTokenizerError if two tokens of the list have the same bytes */
  constructor({ bytes, starts, longest, vocabSize }: TokenBytes, list: TokenList) {
    this.bytes = bytes;
    this.longest = longest;
    this.rows = new Int32Array(ROW * vocabSize);
    const bits = Math.ceil(Math.log2(2 * vocabSize + 2));
    this.slots = new Int32Array(SLOT * 2 ** bits);
    this.shift = 32 - bits;
    for (let i = 0, before = 0; i < list.count; i++) {
      const id = list.ids[i] as TokenId;
      const end = list.ends[i] as number;
      if (!this.add(id, starts[id] as number, end - before)) throw repeated(list, i);
      before = end;
    }
  }

  /** The token that `bytes[start, end)` spell, or −1. */
  find(bytes: Uint8Array, start: number, end: number): TokenId {
    const count = end - start;
    return count > this.longest ? -1 : this.findAt(bytes, start, count, hashOf(bytes, start, end));
  }

  /** The token that has the bytes of two others, one after the other, or −1. */
  findJoined(left: TokenId, right: TokenId): TokenId {
    const { rows, slots } = this;
    const hash =
      (Math.imul(rows[ROW * left] as number, rows[ROW * right + POWER] as number) + (rows[ROW * right] as number)) | 0;
    if (!this.mayHave(hash)) return -1;
    for (let slot = this.firstSlot(hash); slots[slot + ID] !== 0; slot = this.nextSlot(slot)) {
      if (slots[slot] !== hash) continue;
      const id = (slots[slot + ID] as number) - 1;
      if (this.isJoined(ROW * id, ROW * left, ROW * right)) return id;
    }
    return -1;
  }

  private findAt(bytes: Uint8Array, start: number, count: number, hash: number): TokenId {
    const { slots } = this;
    for (let slot = this.firstSlot(hash); slots[slot + ID] !== 0; slot = this.nextSlot(slot)) {
      if (slots[slot] !== hash) continue;
      const id = (slots[slot + ID] as number) - 1;
      const row = ROW * id;
      if (this.rows[row + LENGTH] === count && this.isAt(this.rows[row + START] as number, bytes, start, count))
        return id;
    }
    return -1;
  }

  private isJoined(row: number, left: number, right: number): boolean {
    const { rows, bytes } = this;
    const leftLength = rows[left + LENGTH] as number;
    const rightLength = rows[right + LENGTH] as number;
    if (rows[row + LENGTH] !== leftLength + rightLength) return false;
    const start = rows[row + START] as number;
    return (
      this.isAt(start, bytes, rows[left + START] as number, leftLength) &&
      this.isAt(start + leftLength, bytes, rows[right + START] as number, rightLength)
    );
  }

  /** Whether our bytes from `at` on are `other[start, start + count)`. */
  private isAt(at: number, other: Uint8Array, start: number, count: number): boolean {
    const { bytes } = this;
    for (let i = 0; i < count; i++) if (bytes[at + i] !== other[start + i]) return false;
    return true;
  }

  private add(id: TokenId, start: number, length: number): boolean {
    const { rows, slots, bytes } = this;
    const hash = hashOf(bytes, start, start + length);
    if (this.findAt(bytes, start, length, hash) >= 0) return false;
    rows[ROW * id + HASH] = hash;
    rows[ROW * id + START] = start;
    rows[ROW * id + LENGTH] = length;
    rows[ROW * id + POWER] = powerOf(length);
    const bit = bitOf(hash);
    this.taken[bit >> 5] = (this.taken[bit >> 5] as number) | (1 << (bit & 31));
    let slot = this.firstSlot(hash);
    while (slots[slot + ID] !== 0) slot = this.nextSlot(slot);
    slots[slot + HASH] = hash;
    slots[slot + ID] = id + 1;
    return true;
  }

  private mayHave(hash: number): boolean {
    const bit = bitOf(hash);
    return ((this.taken[bit >> 5] as number) & (1 << (bit & 31))) !== 0;
  }

  private firstSlot(hash: number): number {
    return SLOT * (Math.imul(hash, MIX) >>> this.shift);
  }

  private nextSlot(slot: number): number {
    return (slot + SLOT) & (this.slots.length - 1);
  }
}

function bitOf(hash: number): number {
  return Math.imul(hash, MIX) >>> (32 - TAKEN_BITS);
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, BASE) + (bytes[i] as number) + 1) | 0;
  return hash;
}

function powerOf(exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power = Math.imul(power, BASE);
  return power;
}

function repeated({ bytes, ends, place }: TokenList, index: number): MalformedTokenizerError {
  const name = spell(bytes.subarray(ends[index - 1] ?? 0, ends[index]));
  return new MalformedTokenizerError(place(index), `${entry(name)} stands further up.`);
}
