import { memory, setBackend, tensor2d } from "@tensorflow/tfjs";
import { beforeAll, expect, test } from "vitest";
import { SlidingRows } from "./sliding-rows.ts";

beforeAll(() => setBackend("cpu"));

/** The rows of a layer whose keys are plain numbers, and beside them all that was ever read. */
class Walk {
  readonly #rows: SlidingRows;
  readonly #window: number;
  readonly #chunkSize: number;
  /** The number in each row of each sequence. */
  #kept: number[][];
  /** What was read of each sequence. */
  texts: number[][];

  constructor(batchSize: number, window: number, chunkSize: number) {
    this.#rows = new SlidingRows(batchSize, window, chunkSize);
    this.#window = window;
    this.#chunkSize = chunkSize;
    this.#kept = Array.from({ length: batchSize }, () => Array(this.#rows.count).fill(-1));
    this.texts = Array.from({ length: batchSize }, () => []);
  }

  holds(sequence: number, position: number): boolean {
    return this.#rows.holds(sequence, position);
  }

  /** Cuts the texts to `lengths`, and puts numbers behind their last `again`; each must see its window. */
  read(lengths: readonly number[], again: number, news: readonly (readonly number[])[]): void {
    const starts = lengths.map((length) => Math.max(0, length - again));
    this.texts = this.texts.map((text, b) => [...text.slice(0, lengths[b]), ...(news[b] as number[])]);
    const count = Math.min(this.#chunkSize, ...this.texts.map((text, b) => text.length - (starts[b] as number)));
    if (!starts.every((start, b) => this.#rows.haveRoom(b, start, count))) this.#slide(starts, count);
    const positions = starts.map((start) => Array.from({ length: count }, (_, t) => start + t));
    const places = tensor2d(positions, [starts.length, count], "int32");
    const rows = this.#rows.at(places);
    const at = rows.arraySync() as number[][];
    rows.dispose();
    places.dispose();
    for (const [b, start] of starts.entries()) {
      this.texts[b] = (this.texts[b] as number[]).slice(0, start + count);
      this.#check(b, positions[b] as number[], at[b] as number[]);
    }
  }

  rearrange(sequences: readonly number[]): void {
    this.#rows.rearrange(sequences);
    this.#kept = sequences.map((b) => [...(this.#kept[b] as number[])]);
    this.texts = sequences.map((b) => this.texts[b] as number[]);
  }

  dispose(): void {
    this.#rows.dispose();
  }

  #slide(starts: readonly number[], count: number): void {
    const before = this.#kept.flat();
    const from = [...this.#rows.slide(starts, count)].map((row) => before[row] as number);
    const { count: size } = this.#rows;
    this.#kept = starts.map((_, b) => from.slice(b * size, (b + 1) * size));
  }

  #check(b: number, positions: readonly number[], rows: readonly number[]): void {
    const [kept, text] = [this.#kept[b] as number[], this.texts[b] as number[]];
    rows.forEach((row, t) => {
      expect(row).toBeGreaterThanOrEqual(0);
      expect(row).toBeLessThan(this.#rows.count);
      kept[row] = text[positions[t] as number] as number;
    });
    rows.forEach((row, t) => {
      const end = (positions[t] as number) + 1;
      const seen = Math.min(end, this.#window);
      expect(kept.slice(Math.max(0, row + 1 - seen), row + 1)).toEqual(text.slice(end - seen, end));
    });
  }
}

test("each query finds its window, wherever texts go on, go back to, are read again or change places", () => {
  let state = 5;
  const below = (count: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * count);
  };
  const before = memory().numTensors;
  let next = 0;
  let numBack = 0;
  for (let round = 0; round < 150; round++) {
    const [window, chunkSize] = [1 + below(6), 1 + below(7)];
    const walk = new Walk(1 + below(3), window, chunkSize);
    for (let step = 0; step < 40; step++) {
      const lengths = walk.texts.map(({ length }, b) => {
        const start = Math.max(0, length - below(below(4) === 0 ? 60 : 3));
        if (start > 0 && start < length && walk.holds(b, start)) numBack++;
        return walk.holds(b, start) ? start : 0;
      });
      const count = 1 + below(chunkSize);
      const news = lengths.map(() => Array.from({ length: count }, () => next++));
      const again = below(3) === 0 ? below(chunkSize + 1) : 0;
      walk.read(lengths, again, news);
      if (below(8) === 0) walk.rearrange(Array.from({ length: 1 + below(3) }, () => below(walk.texts.length)));
    }
    walk.dispose();
  }
  expect(numBack).toBeGreaterThan(1000);
  expect(memory().numTensors).toBe(before);
});

test("a long text can always go on, and back by a chunk", () => {
  for (const [window, chunkSize] of [
    [1, 1],
    [4, 3],
    [16, 8],
  ] as const) {
    const rows = new SlidingRows(1, window, chunkSize);
    let numSlides = 0;
    for (let start = 0; start < 500; start += chunkSize) {
      expect(rows.holds(0, start)).toBe(true);
      if (!rows.haveRoom(0, start, chunkSize)) {
        rows.slide([start], chunkSize);
        numSlides++;
      }
      expect(rows.haveRoom(0, start, chunkSize)).toBe(true);
      expect(rows.holds(0, Math.max(0, start - chunkSize))).toBe(true);
    }
    expect(rows.holds(0, 100)).toBe(false);
    expect(numSlides).toBeGreaterThan(10);
    expect(numSlides).toBeLessThanOrEqual(500 / chunkSize);
    rows.dispose();
  }
});
