import { keep, type Tensor, tensor1d, tidy } from "@tensorflow/tfjs";
import { CacheError } from "./errors.ts";
import { LayerCache } from "./layer-cache.ts";

export interface KeyValueCacheOptions {
  /**
   * How many tokens of a sequence are read at a time at most. Layers with a sliding window then keep no more rows than
   * they need, and `slide` must be called before each pass. Default: they keep all.
   */
  readonly chunkSize?: number;
}

/**
 * Keys and values of the positions that a language model has read, one part for each layer, so that each step of
 * generation computes its own position alone. It has room for `capacity` positions of each of `batchSize` sequences;
 * a sequence can go back to an earlier position by writing there again.
 */
export class KeyValueCache {
  #capacity: number;
  #batchSize: number;
  #isDisposed = false;
  /** See {@link KeyValueCacheOptions}; Infinity if it was not given. */
  readonly chunkSize: number;
  readonly #layers: LayerCache[] = [];
  readonly #tables = new Map<string | object, Tensor>();

  /** @throws {CacheError} for sizes that are no whole numbers, or too small */
  constructor(batchSize: number, capacity: number, { chunkSize = Infinity }: KeyValueCacheOptions = {}) {
    requireCount("batchSize", batchSize, 0);
    requireCount("capacity", capacity, 0);
    if (chunkSize !== Infinity) requireCount("chunkSize", chunkSize, 1);
    this.#batchSize = batchSize;
    this.#capacity = capacity;
    this.chunkSize = chunkSize;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get batchSize(): number {
    return this.#batchSize;
  }

  /** The part of one layer, counted from 0. @throws {CacheError} after `dispose` */
  layer(index: number): LayerCache {
    if (this.#isDisposed) throw new CacheError("The cache has been disposed of: make a new one and read again.");
    this.#layers[index] ??= new LayerCache(this);
    return this.#layers[index];
  }

  /**
   * What a model computes anew for each step and is the same each time, made once for all positions that there is room
   * for, and kept as long.
   * @param key what it is found by: a name, or the module that it belongs to
   */
  table<T extends Tensor>(key: string | object, make: (capacity: number) => T): T {
    const table = this.#tables.get(key) ?? tidy(() => keep(make(this.#capacity)));
    this.#tables.set(key, table);
    return table as T;
  }

  /**
   * Makes room for so many positions, at least as many as there are; what is kept stays. The tensors are other ones
   * then: a recording that reads them has to begin anew.
   * @throws {CacheError} for fewer positions than there are
   */
  grow(capacity: number): void {
    requireCount("capacity", capacity, this.#capacity);
    this.#capacity = capacity;
    this.#forgetTables();
    for (const layer of this.#layers) layer.grow();
  }

  /**
   * From now on sequence i is what sequence `sequences[i]` was; there may be more or fewer than before. The tensors
   * are other ones then, as after `grow`.
   * @throws {CacheError} for a sequence that there is not, or for none
   */
  rearrange(sequences: readonly number[]): void {
    requireCount("the number of sequences", sequences.length, 1);
    for (const sequence of sequences) requireCount("a sequence", sequence, 0, this.#batchSize - 1);
    this.#batchSize = sequences.length;
    tidy(() => {
      const places = tensor1d([...sequences], "int32");
      for (const layer of this.#layers) layer.rearrange(sequences, places);
    });
  }

  /** Whether a sequence can go on at a position: no layer has left behind what is seen from there. */
  holds(sequence: number, position: number): boolean {
    return this.#layers.every((layer) => layer.holds(sequence, position));
  }

  /** Whether `count` tokens of each sequence, from `starts` on, can be read without `slide`. */
  hasRoom(starts: readonly number[], count: number): boolean {
    return this.#layers.every((layer) => layer.hasRoom(starts, count));
  }

  /**
   * Lets layers with a sliding window leave behind what nobody sees any more, so that they have room for `count` tokens of
   * each sequence, from `starts` on: positions that they hold, or 0. The tensors are other ones then, as after `grow`.
   */
  slide(starts: readonly number[], count: number): void {
    for (const layer of this.#layers) if (!layer.hasRoom(starts, count)) layer.slide(starts, count);
  }

  /** Frees what is kept. */
  dispose(): void {
    this.#isDisposed = true;
    this.#forgetTables();
    for (const layer of this.#layers) layer.dispose();
  }

  #forgetTables(): void {
    for (const table of this.#tables.values()) table.dispose();
    this.#tables.clear();
  }
}

function requireCount(name: string, value: number, least: number, most: number = Number.MAX_SAFE_INTEGER): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  throw new CacheError(`KeyValueCache: ${name} is ${String(value)}; it must be a whole number ${range}.`);
}
