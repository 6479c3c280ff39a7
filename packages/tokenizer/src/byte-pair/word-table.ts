import { GrowingIds } from "../growing-ids.ts";
import type { TokenId } from "../tokenizer.ts";
import { LongWordTable, MOST_PROBES, MOST_WORDS } from "./long-word-table.ts";

/** Longer pieces are rare and not worth remembering. */
export const LONGEST_WORD = 128;

/** Words of up to so many bytes, which are nearly all, are numbers: four of 32 bits. */
const SHORT = 16;

// A row is eight numbers, half a line of the processor's cache: the word, then
const SIZES = 4; // number of ids · 256 + number of bytes; 0 if the row is free
const IDS = 5; // up to three ids, or where more begin in `ids`
const INLINE = 3;
const ROW = 8;

/** Which bits of four numbers belong to a word of each size. */
const masks: Int32Array = Int32Array.from({ length: 4 * (SHORT + 1) }, (_, i) => {
  const bytes = (i >> 2) - 4 * (i & 3);
  return bytes >= 4 ? -1 : bytes <= 0 ? 0 : (1 << (8 * bytes)) - 1;
});

/**
 * The ids of words met before, each some bytes of a `DataView` that has room to read four numbers from any place. A flat
 * hash table, which takes no allocation to look into. A short word is compared and hashed as four numbers, without a loop
 * over its bytes.
 */
export class WordTable {
  private rows = new Int32Array(0);
  private shift = 0;
  private size = 0;
  private readonly ids = new GrowingIds(16);
  private readonly long = new LongWordTable();

  constructor() {
    // Assigned a second time, so that V8 does not compile code that is void when they are replaced by larger ones.
    this.rows = new Int32Array(ROW * 1024);
    this.shift = 32 - 10;
  }

  /** Appends the ids of `text[start, end)` to `ids`; false if it is not remembered. */
  append(text: DataView, start: number, end: number, ids: GrowingIds): boolean {
    if (end - start > SHORT) return end - start <= LONGEST_WORD && this.long.append(text, start, end, ids);
    const row = this.find(text, start, end - start);
    if (row < 0) return false;
    const { rows } = this;
    const count = (rows[row + SIZES] as number) >> 8;
    if (count === 1) ids.push(rows[row + IDS] as TokenId);
    else if (count === 0)
      return false; // a free row
    else if (count <= INLINE) ids.append(rows, row + IDS, row + IDS + count);
    else ids.appendFrom(this.ids, rows[row + IDS] as number, (rows[row + IDS] as number) + count);
    return true;
  }

  /** Remembers the first `count` ids as those of `text[start, end)`, unless it is too long or there are none. */
  add(text: DataView, start: number, end: number, ids: Int32Array, count: number): void {
    if (count === 0 || end - start > LONGEST_WORD) return;
    if (end - start > SHORT) return this.long.add(text, start, end, ids, count);
    if (2 * ROW * this.size >= this.rows.length) this.grow();
    const row = this.find(text, start, end - start);
    if (row < 0) return;
    const { rows } = this;
    for (let i = 0; i < 4; i++) rows[row + i] = numberOf(text, start, end - start, i);
    rows[row + SIZES] = count * 256 + end - start;
    if (count > INLINE) rows[row + IDS] = this.addIds(ids, count);
    else for (let i = 0; i < count; i++) rows[row + IDS + i] = ids[i] as TokenId;
    this.size++;
  }

  /** The row of a short word, or the free one where it belongs; −1 if that is too far from its place. */
  private find(text: DataView, start: number, size: number): number {
    const { rows } = this;
    const a = numberOf(text, start, size, 0);
    const b = numberOf(text, start, size, 1);
    const c = numberOf(text, start, size, 2);
    const d = numberOf(text, start, size, 3);
    const mask = rows.length - 1;
    let row = (hashOf(a, b, c, d) >>> this.shift) * ROW;
    for (let probes = 0; probes < MOST_PROBES; probes++) {
      const sizes = rows[row + SIZES] as number;
      if (rows[row] === a && rows[row + 1] === b && rows[row + 2] === c && rows[row + 3] === d) {
        if ((sizes & 255) === size) return row;
      }
      if (sizes === 0) return row;
      row = (row + ROW) & mask;
    }
    return -1;
  }

  private addIds(ids: Int32Array, count: number): number {
    const place = this.ids.length;
    this.ids.append(ids, 0, count);
    return place;
  }

  /** Twice the words fit; or, when they are too many, none is left. */
  private grow(): void {
    const { rows } = this;
    if (this.size >= MOST_WORDS) {
      rows.fill(0);
      this.ids.length = this.size = 0;
      return;
    }
    this.rows = new Int32Array(4 * rows.length);
    this.shift -= 2;
    for (let row = 0; row < rows.length; row += ROW) if (rows[row + SIZES] !== 0) this.move(rows, row);
  }

  /** All words are different: the first free row is the right one. */
  private move(from: Int32Array, at: number): void {
    const { rows } = this;
    const hash = hashOf(from[at] as number, from[at + 1] as number, from[at + 2] as number, from[at + 3] as number);
    let row = (hash >>> this.shift) * ROW;
    while (rows[row + SIZES] !== 0) row = (row + ROW) & (rows.length - 1);
    for (let i = 0; i < ROW; i++) rows[row + i] = from[at + i] as number;
  }
}

/** Four of a word's bytes as one number, 0 where the word has ended. */
function numberOf(text: DataView, start: number, size: number, index: number): number {
  return text.getInt32(start + 4 * index, true) & (masks[4 * size + index] as number);
}

function hashOf(a: number, b: number, c: number, d: number): number {
  return Math.imul(a, 0x9e3779b1) + Math.imul(b, 0x85ebca77) + Math.imul(c, 0xc2b2ae3d) + Math.imul(d, 0x27d4eb2f);
}
