import { concat, slice, type Tensor, type Tensor2D, tensor1d, tensor2d, tidy } from "@tensorflow/tfjs";
import { KeyValueCache, type LanguageModel } from "@tessera-lm/layers";
import { type Repeated, repeated } from "@tessera-lm/ops";
import { windowOf } from "./window.ts";

/**
 * Reads sequences with a model. What it gives depends on the sequences alone; what it remembers of those before only
 * makes it faster. Results are the caller's.
 */
export interface Reader {
  /** How many of the last tokens of a sequence the model may see at most. */
  readonly windowSize: number;
  /** The logits of what follows each sequence, (B, V). */
  next(sequences: readonly (readonly number[])[]): Tensor2D;
  /** The logits of what follows each of the last `count` tokens of one sequence, (count, V). */
  nextOfLast(sequence: readonly number[], count: number): Tensor2D;
  /** What it remembers of sequence i is from now on what it remembers of sequence `parents[i]`. */
  rearrange(parents: readonly number[]): void;
  dispose(): void;
}

export interface ReaderOptions {
  /** How many sequences are read at a time. Default 1. */
  readonly batchSize?: number;
  /** See {@link Reader.windowSize} and `windowOf`. */
  readonly windowSize: number;
  /** How many tokens of a sequence go through the model at once. */
  readonly chunkSize: number;
}

/** Reads with a cache if the model knows caches, otherwise everything again each time. */
export function createReader(model: LanguageModel, options: ReaderOptions): Reader {
  return model.supportsCache ? new CachedReader(model, options) : new WholeReader(model, options.windowSize);
}

/** Keeps keys and values, and reads of each sequence only what comes after the part that it has in common with the last. */
class CachedReader implements Reader {
  readonly windowSize: number;
  readonly #model: LanguageModel;
  readonly #cache: KeyValueCache;
  readonly #chunkSize: number;
  /** What the cache knows of each sequence. */
  #known: readonly (readonly number[])[];
  #step: Repeated;
  /** As `#step`, for the logits of some last tokens, by how many these are. */
  readonly #steps = new Map<number, Repeated>();

  constructor(model: LanguageModel, { batchSize = 1, windowSize, chunkSize }: ReaderOptions) {
    this.#model = model;
    this.#cache = new KeyValueCache(batchSize, windowSize);
    this.windowSize = windowSize;
    this.#chunkSize = chunkSize;
    this.#known = this.#nothing;
    this.#step = this.#newStep();
  }

  next(sequences: readonly (readonly number[])[]): Tensor2D {
    const windows = sequences.map((sequence) => windowOf(sequence, this.windowSize));
    const news = windows.map((window, i) => Math.max(1, window.length - commonLength(window, this.#known[i])));
    // Sequences with as much to read end in the same chunk; the others meet in a step of one token each.
    const together = news.every((count) => count === news[0]);
    const last = together ? ((news[0] - 1) % this.#chunkSize) + 1 : 1;
    return this.#reading(windows, () => {
      this.#skim(windows, news, last);
      const inputs = inputsOf(windows, endsOf(windows, last), last);
      return (last === 1 ? this.#step.run(...inputs) : this.#lastLogits(...inputs)) as Tensor2D;
    });
  }

  nextOfLast(sequence: readonly number[], count: number): Tensor2D {
    const windows = [windowOf(sequence, this.windowSize)];
    const news = Math.max(count, windows[0].length - commonLength(windows[0], this.#known[0]));
    if (!this.#steps.has(count))
      this.#steps.set(
        count,
        repeated((...inputs) => this.#logits(false, inputs)),
      );
    return this.#reading(windows, () => {
      this.#skim(windows, [news], count);
      return (this.#steps.get(count) as Repeated).run(...inputsOf(windows, endsOf(windows, count), count)) as Tensor2D;
    });
  }

  rearrange(parents: readonly number[]): void {
    const isSame = parents.length === this.#known.length && parents.every((parent, i) => parent === i);
    if (isSame) return;
    this.#forgetSteps();
    this.#step = this.#newStep();
    tidy(() => this.#cache.rearrange(tensor1d([...parents], "int32")));
    this.#known = parents.map((parent) => this.#known[parent]);
  }

  dispose(): void {
    this.#forgetSteps();
    this.#cache.dispose();
  }

  get #nothing(): number[][] {
    return Array.from({ length: this.#cache.batchSize }, () => []);
  }

  #newStep(): Repeated {
    return repeated((...inputs) => this.#lastLogits(...(inputs as [Tensor2D, Tensor2D])));
  }

  #forgetSteps(): void {
    this.#step.dispose();
    for (const step of this.#steps.values()) step.dispose();
    this.#steps.clear();
  }

  /** Remembers what was read, unless reading fails. */
  #reading(windows: readonly (readonly number[])[], read: () => Tensor2D): Tensor2D {
    this.#known = this.#nothing;
    const logits = tidy(read);
    this.#known = windows;
    return logits;
  }

  /** Reads the first of the `news` tokens of each window, up to the last `count`, in chunks. */
  #skim(windows: readonly (readonly number[])[], news: readonly number[], count: number): void {
    const starts = windows.map((window, i) => window.length - news[i]);
    const ends = endsOf(windows, count);
    for (;;) {
      const longest = Math.max(...starts.map((start, i) => ends[i] - start));
      if (longest <= 0) return;
      const length = Math.min(longest, this.#chunkSize);
      // Shorter sequences read what they know once more, or filler, whose places they will write to before they see them.
      const from = starts.map((start) => Math.min(start, this.windowSize - length));
      tidy(() => void this.#lastLogits(...inputsOf(windows, from, length)));
      starts.forEach((start, i) => {
        starts[i] = Math.max(start, Math.min(from[i] + length, ends[i]));
      });
    }
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

/** Reads all that the model may see, each time. */
class WholeReader implements Reader {
  readonly windowSize: number;
  readonly #model: LanguageModel;

  constructor(model: LanguageModel, windowSize: number) {
    this.#model = model;
    this.windowSize = windowSize;
  }

  next(sequences: readonly (readonly number[])[]): Tensor2D {
    return tidy(() => concat(sequences.map((sequence) => this.#logits(sequence, true))));
  }

  nextOfLast(sequence: readonly number[], count: number): Tensor2D {
    return tidy(() => {
      const logits = this.#logits(sequence, false); // (T, V)
      return slice(logits, [logits.shape[0] - count, 0]);
    });
  }

  rearrange(): void {}

  dispose(): void {}

  #logits(sequence: readonly number[], lastOnly: boolean): Tensor2D {
    const window = windowOf(sequence, this.windowSize);
    const tokens = tensor2d([window as number[]], [1, window.length], "int32"); // (1, T)
    return this.#model.forward(tokens, { lastOnly }).reshape([-1, this.#model.vocabSize]);
  }
}

function endsOf(windows: readonly (readonly number[])[], count: number): number[] {
  return windows.map((window) => window.length - count);
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
