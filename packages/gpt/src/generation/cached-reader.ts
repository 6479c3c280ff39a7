import { type Tensor, type Tensor2D, tensor2d, tidy } from "@tensorflow/tfjs";
import { breathe, KeyValueCache, type LanguageModel } from "@tessera-lm/layers";
import { type Repeated, repeated } from "@tessera-lm/ops";
import { disposedReader, type Reader, type ReaderOptions } from "./reader.ts";
import { WeightsWatch } from "./weights-watch.ts";
import { windowOf } from "./window.ts";

/** The cache begins with so many positions, or the next power of two that a text needs. */
const FIRST_CAPACITY = 128;

/**
 * Keeps keys and values, and reads of each sequence only what comes after the part that it has in common with the last.
 * The cache grows with the texts; it is forgotten when the model's weights are others.
 */
export class CachedReader implements Reader {
  readonly windowSize: number;
  readonly #model: LanguageModel;
  readonly #weights: WeightsWatch;
  readonly #chunkSize: number;
  #cache: KeyValueCache;
  #isDisposed = false;
  #isNewText = true;
  /** What the cache knows of each sequence. */
  #known: readonly (readonly number[])[];
  #turn: Promise<void> = Promise.resolve();
  #step: Repeated;
  /** As `#step`, for the logits of some last tokens, by how many these are. */
  readonly #steps = new Map<number, Repeated>();

  constructor(model: LanguageModel, { batchSize = 1, windowSize, chunkSize }: ReaderOptions) {
    this.#model = model;
    this.#weights = new WeightsWatch(model);
    this.#cache = new KeyValueCache(batchSize, 0, { chunkSize });
    this.windowSize = windowSize;
    this.#chunkSize = chunkSize;
    this.#known = Array.from({ length: batchSize }, () => []);
    this.#step = this.#newStep();
  }

  begin(): void {
    this.#isNewText = true;
  }

  next(sequences: readonly (readonly number[])[], signal?: AbortSignal): Promise<Tensor2D> {
    const windows = sequences.map((sequence) => windowOf(sequence, this.windowSize));
    return this.#inTurn(async () => {
      this.#prepare(windows);
      const starts = this.#forgetOthers(windows, 1);
      const news = windows.map((window, i) => window.length - starts[i]);
      // Sequences with as much to read end in the same chunk; the others meet in a step of one token each.
      const together = news.every((count) => count === news[0]);
      const last = together ? ((news[0] - 1) % this.#chunkSize) + 1 : 1;
      await this.#skim(windows, starts, last, signal);
      return this.#read(windows, last, last === 1 ? () => this.#step : undefined);
    });
  }

  nextOfLast(sequence: readonly number[], count: number, signal?: AbortSignal): Promise<Tensor2D> {
    const windows = [windowOf(sequence, this.windowSize)];
    return this.#inTurn(async () => {
      this.#prepare(windows, count);
      await this.#skim(windows, this.#forgetOthers(windows, count), count, signal);
      return this.#read(windows, count, () => this.#stepOfLast(count));
    });
  }

  rearrange(parents: readonly number[]): void {
    const isSame = parents.length === this.#known.length && parents.every((parent, i) => parent === i);
    if (isSame) return;
    this.#forgetSteps();
    this.#cache.rearrange(parents);
    this.#known = parents.map((parent) => this.#known[parent]);
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#forgetSteps();
    this.#cache.dispose();
  }

  /** Forgets all if the weights are others than before, and makes room for the windows, read `count` tokens at a time. */
  #prepare(windows: readonly (readonly number[])[], count = 1): void {
    this.#requireOpen();
    const { chunkSize } = this.#cache;
    if (this.#weights.haveChanged(this.#isNewText) || count > chunkSize) this.#forgetAll(Math.max(count, chunkSize));
    this.#isNewText = false;
    const longest = windows.reduce((most, { length }) => Math.max(most, length), 0);
    if (longest <= this.#cache.capacity) return;
    this.#forgetSteps();
    const capacity = Math.max(FIRST_CAPACITY, 2 ** Math.ceil(Math.log2(longest + 1)));
    this.#cache.grow(Math.min(this.windowSize, capacity));
  }

  #requireOpen(): void {
    if (this.#isDisposed) throw disposedReader();
  }

  #forgetAll(chunkSize: number): void {
    this.#forgetSteps();
    this.#cache.dispose();
    this.#cache = new KeyValueCache(this.#cache.batchSize, 0, { chunkSize });
    this.#known = this.#known.map(() => []);
  }

  #newStep(): Repeated {
    return repeated((...inputs) => this.#lastLogits(...(inputs as [Tensor2D, Tensor2D])));
  }

  #stepOfLast(count: number): Repeated {
    const step = this.#steps.get(count) ?? repeated((...inputs) => this.#logits(false, inputs));
    this.#steps.set(count, step);
    return step;
  }

  #forgetSteps(): void {
    this.#step.dispose();
    for (const step of this.#steps.values()) step.dispose();
    this.#steps.clear();
    this.#step = this.#newStep();
  }

  /** One after the other: between two chunks somebody else may want to read. */
  #inTurn<T>(read: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(read);
    this.#turn = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** Forgets what does not belong to the windows, and at least their last `count` tokens; where to read on in each. */
  #forgetOthers(windows: readonly (readonly number[])[], count: number): number[] {
    const starts = windows.map((window, i) => {
      const start = Math.min(commonLength(window, this.#known[i]), window.length - count);
      return this.#cache.holds(i, start) ? start : 0;
    });
    this.#known = beginnings(windows, starts);
    return starts;
  }

  /** Reads the windows from `starts` up to their last `count` tokens, in chunks. */
  async #skim(
    windows: readonly (readonly number[])[],
    starts: number[],
    count: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const ends = windows.map((window) => window.length - count);
    for (;;) {
      const longest = Math.max(...starts.map((start, i) => ends[i] - start));
      if (longest <= 0) return;
      const length = Math.min(longest, this.#chunkSize);
      // Shorter sequences read what they know once more, or filler, whose places they will write to before they see them.
      const from = starts.map((start) => Math.min(start, this.#cache.capacity - length));
      this.#makeRoom(from, length);
      const logits = tidy(() => this.#lastLogits(...inputsOf(windows, from, length)));
      starts.forEach((start, i) => {
        starts[i] = Math.max(start, Math.min(from[i] + length, ends[i]));
      });
      this.#known = beginnings(windows, starts);
      await finished(logits);
      signal?.throwIfAborted();
      this.#requireOpen();
    }
  }

  /** Layers with a sliding window may move their rows, which recorded steps read where they were. */
  #makeRoom(starts: readonly number[], count: number): void {
    if (this.#cache.hasRoom(starts, count)) return;
    this.#forgetSteps();
    this.#cache.slide(starts, count);
  }

  /** The logits after the last `count` tokens of the windows. */
  #read(windows: readonly (readonly number[])[], count: number, step: (() => Repeated) | undefined): Tensor2D {
    const starts = windows.map((window) => window.length - count);
    this.#makeRoom(starts, count);
    const logits = tidy(() => {
      const inputs = inputsOf(windows, starts, count);
      return (step ? step().run(...inputs) : this.#lastLogits(...inputs)) as Tensor2D;
    });
    this.#known = windows;
    return logits;
  }

  #lastLogits(...inputs: [Tensor2D, Tensor2D]): Tensor2D {
    return this.#logits(true, inputs);
  }

  /** The logits after all tokens, or the last of each sequence: (N, V) */
  #logits(lastOnly: boolean, [tokens, positions]: readonly Tensor[]): Tensor2D {
    const options = { cache: this.#cache, positions: positions as Tensor2D, lastOnly };
    return this.#model.forward(tokens as Tensor2D, options).reshape([-1, this.#model.vocabSize]);
  }
}

/** The first tokens of each sequence, as many as `lengths` says. */
function beginnings(sequences: readonly (readonly number[])[], lengths: readonly number[]): readonly number[][] {
  return sequences.map((sequence, i) => sequence.slice(0, lengths[i]));
}

/** Waits until a tensor is computed, disposes of it, and lets the event loop run. */
async function finished(tensor: Tensor): Promise<void> {
  try {
    await tensor.data();
  } finally {
    tensor.dispose();
  }
  await breathe();
}

/** Tokens and their positions, (B, count) each; behind the end of a sequence stands filler. */
function inputsOf(
  windows: readonly (readonly number[])[],
  starts: readonly number[],
  count: number,
): [Tensor2D, Tensor2D] {
  const tokens = new Int32Array(windows.length * count);
  const positions = new Int32Array(windows.length * count);
  windows.forEach((window, b) => {
    for (let t = 0; t < count; t++) {
      tokens[b * count + t] = window[starts[b] + t] ?? 0;
      positions[b * count + t] = starts[b] + t;
    }
  });
  const shape: [number, number] = [windows.length, count];
  return [tensor2d(tokens, shape, "int32"), tensor2d(positions, shape, "int32")];
}

/** How many tokens two sequences begin with in common. */
function commonLength(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}
