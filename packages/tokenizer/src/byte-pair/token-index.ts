import { spell } from "../byte-alphabet.ts";
import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import type { TokenBytes } from "./token-bytes.ts";
import { entry, type TokenList } from "./token-list.ts";

const BASE = 0x01000193;

/**
 * Bytes → the ordinary token that has exactly these. The hash of bytes is a polynomial in them modulo 2³², so that the
 * hash of two tokens joined follows from theirs without a look at the bytes.
 */
export class TokenIndex {
  private readonly tokens: TokenBytes;
  private readonly hashes: Int32Array; // (vocabSize)
  private readonly powers: Int32Array; // (longest + 1) BASEⁿ
  private readonly slots: Int32Array; // id + 1; 0 if free
  private readonly shift: number;

  /** @throws MalformedTokenizerError if two tokens of the list have the same bytes */
  constructor(tokens: TokenBytes, list: TokenList) {
    this.tokens = tokens;
    this.hashes = new Int32Array(tokens.vocabSize);
    this.powers = powersUpTo(tokens.longest);
    const bits = Math.ceil(Math.log2(2 * tokens.vocabSize + 2));
    this.slots = new Int32Array(2 ** bits);
    this.shift = 32 - bits;
    for (let i = 0; i < list.count; i++) if (!this.add(list.ids[i] as TokenId)) throw repeated(list, i);
  }

  /** The token that `bytes[0, count)` spell, or −1. */
  find(bytes: Uint8Array, count: number): TokenId {
    if (count >= this.powers.length) return -1;
    const { slots } = this;
    const hash = hashOf(bytes, 0, count);
    for (let slot = this.firstSlot(hash); slots[slot] !== 0; slot = this.nextSlot(slot)) {
      const id = (slots[slot] as number) - 1;
      if (this.hashes[id] === hash && this.tokens.equals(id, bytes, count)) return id;
    }
    return -1;
  }

  /** The token that has the bytes of two others, one after the other, or −1. */
  findJoined(left: TokenId, right: TokenId): TokenId {
    const { slots, hashes, tokens } = this;
    const power = this.powers[tokens.lengthOf(right)] as number;
    const hash = (Math.imul(hashes[left] as number, power) + (hashes[right] as number)) | 0;
    for (let slot = this.firstSlot(hash); slots[slot] !== 0; slot = this.nextSlot(slot)) {
      const id = (slots[slot] as number) - 1;
      if (hashes[id] === hash && tokens.isJoined(id, left, right)) return id;
    }
    return -1;
  }

  private add(id: TokenId): boolean {
    const { slots, hashes, tokens } = this;
    const start = tokens.starts[id] as number;
    const end = tokens.ends[id] as number;
    const hash = hashOf(tokens.bytes, start, end);
    hashes[id] = hash;
    let slot = this.firstSlot(hash);
    for (; slots[slot] !== 0; slot = this.nextSlot(slot)) {
      const other = (slots[slot] as number) - 1;
      if (hashes[other] === hash && tokens.equals(other, tokens.bytes.subarray(start, end), end - start)) return false;
    }
    slots[slot] = id + 1;
    return true;
  }

  private firstSlot(hash: number): number {
    return Math.imul(hash, 0x9e3779b1) >>> this.shift;
  }

  private nextSlot(slot: number): number {
    return (slot + 1) & (this.slots.length - 1);
  }
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, BASE) + (bytes[i] as number) + 1) | 0;
  return hash;
}

function powersUpTo(largest: number): Int32Array {
  const powers = new Int32Array(largest + 1).fill(1);
  for (let i = 1; i <= largest; i++) powers[i] = Math.imul(powers[i - 1] as number, BASE);
  return powers;
}

function repeated({ bytes, ends, place }: TokenList, index: number): MalformedTokenizerError {
  const name = spell(bytes.subarray(ends[index - 1] ?? 0, ends[index]));
  return new MalformedTokenizerError(place(index), `${entry(name)} stands further up.`);
}
