import type { GrowingIds } from "../growing-ids.ts";
import type { TokenId } from "../tokenizer.ts";
import { withRoom } from "../with-room.ts";

/** How many words are remembered before all are forgotten: those of a large corpus, in some ten megabytes. */
export const MOST_WORDS: number = 2 ** 17;

/** How far a word may lie from its place; what would lie further is not remembered. */
export const MOST_PROBES = 64;

// A slot is four numbers.
const HASH = 0;
const PLACE = 1; // where its bytes begin in `words`, four to a number, and then its ids
const SIZES = 2; // number of ids · 256 + number of bytes; 0 if the slot is free
const SLOT = 4;

/**
 * The ids of words met before, of up to 255 bytes. A flat hash table: to find a word takes no allocation; its bytes are
 * compared, four at a time, with those that were kept.
 */
export class LongWordTable {
  private slots = new Int32Array(0);
  private words = new Int32Array(0);
  private wordsEnd = 0;
  private size = 0;

  constructor() {
    // Assigned a second time, so that V8 does not compile code that is void when they are replaced by larger ones.
    this.slots = new Int32Array(SLOT * 1024);
    this.words = new Int32Array(4096);
  }

  /** Appends the ids of `text[start, end)` to `ids`; false if it is not remembered. */
  append(text: DataView, start: number, end: number, ids: GrowingIds): boolean {
    const slot = this.find(text, start, end, hashOf(text, start, end));
    if (slot < 0) return false;
    const count = (this.slots[slot + SIZES] as number) >> 8;
    if (count === 0) return false;
    const place = (this.slots[slot + PLACE] as number) + numbersOf(end - start);
    ids.append(this.words, place, place + count);
    return true;
  }

  /** Remembers the first `count` ids as those of `text[start, end)`. */
  add(text: DataView, start: number, end: number, ids: Int32Array, count: number): void {
    if (2 * SLOT * this.size >= this.slots.length) this.grow();
    const hash = hashOf(text, start, end);
    const slot = this.find(text, start, end, hash);
    if (slot < 0) return;
    this.slots[slot + HASH] = hash;
    this.slots[slot + PLACE] = this.wordsEnd;
    this.slots[slot + SIZES] = count * 256 + end - start;
    this.keep(text, start, end, ids, count);
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
        if (this.isAt(slots[slot + PLACE] as number, text, start, end)) return slot;
      }
      slot = (slot + SLOT) & mask;
    }
    return -1;
  }

  private isAt(place: number, text: DataView, start: number, end: number): boolean {
    const { words } = this;
    for (let i = start; i < end; i += 4, place++) if (numberAt(text, i, end) !== words[place]) return false;
    return true;
  }

  /** Writes a word and its ids behind the others. */
  private keep(text: DataView, start: number, end: number, ids: Int32Array, count: number): void {
    this.words = withRoom(this.words, this.wordsEnd + numbersOf(end - start) + count);
    for (let i = start; i < end; i += 4) this.words[this.wordsEnd++] = numberAt(text, i, end);
    for (let i = 0; i < count; i++) this.words[this.wordsEnd++] = ids[i] as TokenId;
  }

  /** Twice the words fit; or, when they are too many, none is left. */
  private grow(): void {
    const { slots } = this;
    if (this.size >= MOST_WORDS) {
      slots.fill(0);
      this.wordsEnd = this.size = 0;
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

function numbersOf(bytes: number): number {
  return (bytes + 3) >> 2;
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
