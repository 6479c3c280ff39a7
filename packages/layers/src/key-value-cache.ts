import {
  concat,
  fill,
  gather,
  keep,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from "@tensorflow/tfjs";
import { type CachedAttentionOptions, cachedAttention, type KeyValues } from "@tessera-lm/ops";
import { CacheError } from "./errors.ts";

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
  readonly #tables = new Map<string, Tensor>();

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
   */
  table<T extends Tensor>(name: string, make: (capacity: number) => T): T {
    const table = this.#tables.get(name) ?? tidy(() => keep(make(this.#capacity)));
    this.#tables.set(name, table);
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

/** Keys and values of one layer. */
export class LayerCache {
  readonly #whole: KeyValueCache;
  #kept: KeyValues | undefined;

  /** @param whole what it is a part of */
  constructor(whole: KeyValueCache) {
    this.#whole = whole;
  }

  /** As {@link KeyValueCache.table}; the layers share it. */
  table<T extends Tensor>(name: string, make: (capacity: number) => T): T {
    return this.#whole.table(name, make);
  }

  /**
   * Remembers the keys and values at these positions; then each query attends to all positions up to its own.
   * @param query (B, T, H·D)
   * @param key (B, T, G·D)
   * @param value (B, T, G·D)
   * @param positions (B, T) int32
   * @returns (B, T, H·D)
   */
  attend(
    query: Tensor3D,
    key: Tensor3D,
    value: Tensor3D,
    positions: Tensor2D,
    options: CachedAttentionOptions,
  ): Tensor3D {
    this.#kept ??= { keys: this.#room(key.shape[2]), values: this.#room(value.shape[2]) };
    return cachedAttention(query, key, value, this.#kept, positions, options);
  }

  /** As {@link KeyValueCache.grow} does it. */
  grow(capacity: number): void {
    this.#replace((rows) => {
      const [batchSize, before, features] = rows.shape;
      return concat([rows, noRows(batchSize, capacity - before, features)], 1);
    });
  }

  /** As {@link KeyValueCache.rearrange} does it. */
  rearrange(sequences: Tensor1D): void {
    this.#replace((rows) => gather(rows, sequences));
  }

  dispose(): void {
    this.#kept?.keys.dispose();
    this.#kept?.values.dispose();
    this.#kept = undefined;
  }

  /** One after the other, so that memory never holds all of it twice. */
  #replace(change: (rows: Tensor3D) => Tensor3D): void {
    if (this.#kept === undefined) return;
    for (const name of ["keys", "values"] as const) {
      const before = this.#kept[name];
      this.#kept[name] = tidy(() => keep(change(before)));
      before.dispose();
    }
  }

  #room(features: number): Tensor3D {
    return keep(noRows(this.#whole.batchSize, this.#whole.capacity, features));
  }
}

/** Filled where it lies: zeros from JavaScript would wait until the queue of the engine is empty. */
function noRows(batchSize: number, count: number, features: number): Tensor3D {
  return fill([batchSize, count, features], 0);
}
