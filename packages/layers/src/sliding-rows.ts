import { keep, sub, type Tensor2D, tensor2d, tidy } from "@tensorflow/tfjs";

/**
 * How many rows a layer keeps whose queries see `window` positions, when at most `chunkSize` are read at a time: those
 * that a chunk sees, a chunk to go back by and one to read, and some to move on in.
 */
export function rowsOfWindow(window: number, chunkSize: number): number {
  return window + 3 * chunkSize + Math.ceil(window / 4);
}

/**
 * Which positions of each sequence stand in the rows of a layer with a sliding window. A text moves on through them;
 * where it comes to the end, the rows that are still seen move to the front. A ring would not have to move any, but rows
 * that follow each other as their positions do are what attention reads with or without a window; and moving costs a few
 * rows for each token, where attention reads all of the window.
 */
export class SlidingRows {
  /** How many rows there are once a text is long enough. */
  readonly count: number;
  readonly #kept: number;
  readonly #back: number;
  /** The position in row 0 of each sequence. */
  #firsts: number[];
  #offsets: Tensor2D | undefined; // (B, 1), the same; none while all are 0

  constructor(batchSize: number, window: number, chunkSize: number) {
    this.count = rowsOfWindow(window, chunkSize);
    this.#kept = window + 2 * chunkSize;
    this.#back = window + chunkSize;
    this.#firsts = Array(batchSize).fill(0);
  }

  /** Whether all that is seen from a position is there, also if a chunk before it is read again. */
  holds(sequence: number, position: number): boolean {
    const first = this.#firsts[sequence] as number;
    return first === 0 || position - this.#back >= first;
  }

  /** Whether `count` tokens from `start` on fit in. */
  haveRoom(sequence: number, start: number, count: number): boolean {
    const first = this.#firsts[sequence] as number;
    return start >= first && start + count - first <= this.count;
  }

  /**
   * Makes room for `count` tokens of each sequence from `starts` on.
   * @returns the row of all sequences, one after the other, that each row is from now on: (B · rows)
   */
  slide(starts: readonly number[], count: number): Int32Array {
    const { count: size } = this;
    const from = new Int32Array(starts.length * size);
    this.#firsts = starts.map((start, b) => {
      const before = this.#firsts[b] as number;
      const first = this.haveRoom(b, start, count) ? before : Math.max(0, start - this.#kept);
      // What is not there is what nobody sees before it is written.
      for (let row = 0; row < size; row++) {
        from[b * size + row] = b * size + Math.min(Math.max(row + first - before, 0), size - 1);
      }
      return first;
    });
    this.#setOffsets();
    return from;
  }

  rearrange(sequences: readonly number[]): void {
    this.#firsts = sequences.map((sequence) => this.#firsts[sequence] as number);
    this.#setOffsets();
  }

  /** The rows of positions, (B, T) int32. */
  at(positions: Tensor2D): Tensor2D {
    return this.#offsets ? sub(positions, this.#offsets) : positions;
  }

  dispose(): void {
    this.#offsets?.dispose();
    this.#offsets = undefined;
  }

  #setOffsets(): void {
    this.dispose();
    if (this.#firsts.every((first) => first === 0)) return;
    this.#offsets = tidy(() => keep(tensor2d(this.#firsts, [this.#firsts.length, 1], "int32")));
  }
}
