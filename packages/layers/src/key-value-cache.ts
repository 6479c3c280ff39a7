import { keep, type Tensor, type Tensor1D, tidy } from "@tensorflow/tfjs";
import { CacheError } from "./errors.ts";
import { LayerCache } from "./layer-cache.ts";

/**
 * Keys and values of the positions that a language model has read, one part for each layer, so that each step of
 * generation computes its own position alone. It has room for `capacity` positions of each of `batchSize` sequences;
 * a token at position p stands in row p, so that a sequence can go back to an earlier position by writing there again.
 */
export class KeyValueCache {
  #capacity: number;
  #batchSize: number;
  #isDisposed = false;
  readonly #layers: LayerCache[] = [];
  readonly #tables = new Map<string | object, Tensor>();

  constructor(batchSize: number, capacity: number) {
    this.#batchSize = batchSize;
    this.#capacity = capacity;
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
   */
  grow(capacity: number): void {
    this.#capacity = capacity;
    this.#forgetTables();
    for (const layer of this.#layers) layer.grow(capacity);
  }

  /**
   * From now on sequence i is what sequence `sequences[i]` was; there may be more or fewer than before. The tensors
   * are other ones then, as after `grow`.
   * @param sequences int32
   */
  rearrange(sequences: Tensor1D): void {
    this.#batchSize = sequences.size;
    for (const layer of this.#layers) layer.rearrange(sequences);
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
