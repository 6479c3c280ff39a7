import { GrowingIds } from "../growing-ids.ts";
import type { TokenId } from "../tokenizer.ts";
import { withRoom } from "../with-room.ts";

/** How many words are remembered before all are forgotten: those of a large corpus, in some ten megabytes. */
export const MOST_WORDS: number = 2 ** 17;

/** How far a word may lie from its place; what would lie further is not remembered. */
export const MOST_PROBES = 64;

// A slot is four numbers.
const HASH = 0;
const KEY = 1; // where it begins in `keys`
const SIZES = 2; // number of ids · 256 + number of bytes; 0 if the slot is free
const IDS = 3; // where its ids begin in `ids`; for a single id, that id
const SLOT = 4;

/**
 * The ids of words met before, of up to 255 bytes. A flat hash table: to find a word takes no allocation; its bytes are
 * compared, four at a time, with those that were kept.
 */
export class LongWordTable {
  private slots = new Int32Array(0);
  private keys = new Int32Array(0);
  private keysEnd = 0;
  private readonly ids = new GrowingIds(16);
  private size = 0;

  constructor() {
    // Assigned a second time, so that V8 does not compile code that is void when they are replaced by larger ones.
    this.slots = new Int32Array(SLOT * 1024);
    this.keys = new Int32Array(4096);
  }

  /** Appends the ids of `text[start, end)` to `ids`; false if it is not remembered. */
  append(text: DataView, start: number, end: number, ids: GrowingIds): boolean {
    const slot = this.find(text, start, end, hashOf(text, start, end));
    if (slot < 0) return false;
    const count = (this.slots[slot + SIZES] as number) >> 8;
    if (count === 0) return false;
    const place = this.slots[slot + IDS] as number;
    if (count === 1) ids.push(place);
    else ids.appendFrom(this.ids, place, place + count);
    return true;
  }

  /** Remembers the first `count` ids as those of `text[start, end)`. */
  add(text: DataView, start: number, end: number, ids: Int32Array, count: number): void {
    if (2 * SLOT * this.size >= this.slots.length) this.grow();
    const hash = hashOf(text, start, end);
    const slot = this.find(text, start, end, hash);
    if (slot < 0) return;
    this.slots[slot + HASH] = hash;
    this.slots[slot + KEY] = this.addKey(text, start, end);
    this.slots[slot + SIZES] = count * 256 + end - start;
    this.slots[slot + IDS] = count === 1 ? (ids[0] as TokenId) : this.addIds(ids, count);
    this.size++;
  }

  /** The slot of a word, or the free one where it belongs; −1 if that is too far from its place. */
  private find(text: DataView, start: number, end: number, hash: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = (hash << 2) & mask;
    for (let probes = 0; probes < MOST_PROBES; probes++) {
      const sizes = slots[slot + SIZES] as number;
      if (sizes === 0) return slot;
      if (slots[slot + HASH] === hash && (sizes & 255) === end - start) {
        if (this.hasKey(slots[slot + KEY] as number, text, start, end)) return slot;
      }
      slot = (slot + SLOT) & mask;
    }
    return -1;
  }

  private hasKey(key: number, text: DataView, start: number, end: number): boolean {
    const { keys } = this;
    let at = key;
    for (let i = start; i < end; i += 4, at++) if (numberAt(text, i, end) !== keys[at]) return false;
    return true;
  }

  private addKey(text: DataView, start: number, end: number): number {
    const key = this.keysEnd;
    this.keysEnd += (end - start + 3) >> 2;
    if (this.keysEnd > this.keys.length) this.keys = withRoom(this.keys, this.keysEnd);
    let at = key;
    for (let i = start; i < end; i += 4) this.keys[at++] = numberAt(text, i, end);
    return key;
  }

  private addIds(ids: Int32Array, count: number): number {
    const place = this.ids.length;
    this.ids.append(ids, 0, count);
    return place;
  }

  /** Twice the words fit; or, when they are too many, none is left. */
  private grow(): void {
    const { slots } = this;
    if (this.size >= MOST_WORDS) {
      slots.fill(0);
      this.keysEnd = this.ids.length = this.size = 0;
      return;
    }
    this.slots = new Int32Array(4 * slots.length);
    for (let slot = 0; slot < slots.length; slot += SLOT) if (slots[slot + SIZES] !== 0) this.move(slots, slot);
  }

  /** All words are different: the first free slot is the right one, or the word is forgotten. */
  private move(from: Int32Array, at: number): void {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = ((from[at + HASH] as number) << 2) & mask;
    while (slots[slot + SIZES] !== 0) slot = (slot + SLOT) & mask;
    for (let i = 0; i < SLOT; i++) slots[slot + i] = from[at + i] as number;
  }
}

/** The next four of a word's bytes as one number, 0 where it has ended. */
function numberAt(text: DataView, at: number, end: number): number {
  const number = text.getInt32(at, true);
  return at + 4 <= end ? number : number & (MASKS[end - at] as number);
}

/** The bits of the first few of four bytes. */
const MASKS = [0, 0xff, 0xffff, 0xffffff];

function hashOf(text: DataView, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i += 4) {
    const number = numberAt(text, i, end);
    hash = Math.imul(hash ^ number ^ (number >>> 16), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}
