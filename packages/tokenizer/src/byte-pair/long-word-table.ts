import { GrowingIds } from "../growing-ids.ts";
import type { Units } from "../split/character-classes.ts";
import type { TokenId } from "../tokenizer.ts";
import { withRoom } from "../with-room.ts";

/** How many words are remembered before all are forgotten: those of a large corpus, in some ten megabytes. */
export const MOST_WORDS: number = 2 ** 17;

/** How far a word may lie from its place; what would lie further is not remembered. */
export const MOST_PROBES = 64;

// A slot is four numbers.
const HASH = 0;
const KEY = 1; // where its characters begin in `keys`
const SIZES = 2; // number of ids · 256 + number of characters; 0 if the slot is free
const IDS = 3; // where its ids begin in `ids`; for a single id, that id
const SLOT = 4;

/**
 * The ids of words met before, of up to 255 units. A flat hash table: to find a word takes no allocation, and no slice of
 * the text; its characters are compared one by one with those that were kept.
 */
export class LongWordTable {
  private slots = new Int32Array(0);
  private keys = new Uint16Array(0);
  private keysEnd = 0;
  private readonly ids = new GrowingIds(1024);
  private size = 0;

  constructor() {
    // Assigned a second time, so that V8 does not compile code that is void when they are replaced by larger ones.
    this.slots = new Int32Array(SLOT * 1024);
    this.keys = new Uint16Array(4096);
  }

  /** Appends the ids of `text[start, end)` to `ids`; false if it is not remembered. */
  append(text: Units, start: number, end: number, ids: GrowingIds): boolean {
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
  add(text: Units, start: number, end: number, ids: Int32Array, count: number): void {
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
  private find(text: Units, start: number, end: number, hash: number): number {
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

  private hasKey(key: number, text: Units, start: number, end: number): boolean {
    const { keys } = this;
    for (let i = start, j = key; i < end; i++, j++) if (text[i] !== keys[j]) return false;
    return true;
  }

  private addKey(text: Units, start: number, end: number): number {
    const key = this.keysEnd;
    this.keysEnd += end - start;
    if (this.keysEnd > this.keys.length) this.keys = withRoom(this.keys, this.keysEnd);
    for (let i = start; i < end; i++) this.keys[key + i - start] = text[i] as number;
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

function hashOf(text: Units, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (text[i] as number), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}
