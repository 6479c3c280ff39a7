import {
  concat,
  fill,
  gather,
  keep,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tidy,
} from "@tensorflow/tfjs";
import { type CachedAttentionOptions, cachedAttention, type KeyValues, OptionError } from "@tessera-lm/ops";
import { CacheError } from "./errors.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import { SlidingRows } from "./sliding-rows.ts";

/** Keys and values of one layer. */
export class LayerCache {
  readonly #whole: KeyValueCache;
  #kept: KeyValues | undefined;
  #memory: KeyValues | undefined;
  #memoryOf: object | undefined;
  /** Of a layer with a sliding window; else position p stands in row p. */
  #sliding: SlidingRows | undefined;

  /** @param whole what it is a part of */
  constructor(whole: KeyValueCache) {
    this.#whole = whole;
  }

  /** As {@link KeyValueCache.table}; the layers share it. */
  table<T extends Tensor>(key: string | object, make: (capacity: number) => T): T {
    return this.#whole.table(key, make);
  }

  /**
   * Keys and values of another text that the layer reads besides, made once: (1, S, G·D) for all sequences, or one for
   * each of them.
   * @param of what they are made of, always the same tensor
   * @throws {CacheError} for another one
   */
  memory(of: Tensor, make: () => KeyValues): KeyValues {
    this.#memoryOf ??= of.dataId;
    if (this.#memoryOf !== of.dataId) {
      throw new CacheError("The cache belongs to another memory: make a new cache for each that is read.");
    }
    this.#memory ??= tidy(() => {
      const { keys, values } = make();
      return { keys: keep(keys), values: keep(values) };
    });
    return this.#memory;
  }

  /**
   * Remembers the keys and values at these positions; then each query attends to all positions up to its own.
   * @param query (B, T, H·D)
   * @param key (B, T, G·D)
   * @param value (B, T, G·D)
   * @param positions (B, T) int32
   * @returns (B, T, H·D)
   * @throws {CacheError} for positions that the rows of a window have not moved on to (`cpu` and `wasm` backends)
   */
  attend(
    query: Tensor3D,
    key: Tensor3D,
    value: Tensor3D,
    positions: Tensor2D,
    options: CachedAttentionOptions,
  ): Tensor3D {
    const kept = this.#kept ?? this.#begin(key.shape[2], value.shape[2], options.window);
    try {
      return tidy(() => cachedAttention(query, key, value, kept, this.#sliding?.at(positions) ?? positions, options));
    } catch (cause) {
      if (this.#sliding === undefined || !(cause instanceof OptionError)) throw cause;
      throw new CacheError("A cache with a chunkSize has no row for these positions: call slide before each pass.", {
        cause,
      });
    }
  }

  /** As {@link KeyValueCache.holds} says it. */
  holds(sequence: number, position: number): boolean {
    return this.#sliding?.holds(sequence, position) ?? true;
  }

  /** As {@link KeyValueCache.hasRoom} says it. */
  hasRoom(starts: readonly number[], count: number): boolean {
    const sliding = this.#sliding;
    return sliding === undefined || starts.every((start, b) => sliding.haveRoom(b, start, count));
  }

  /** As {@link KeyValueCache.slide} does it. */
  slide(starts: readonly number[], count: number): void {
    const from = this.#sliding?.slide(starts, count);
    if (from === undefined) return;
    replace(this.#kept, (rows) => {
      const [batchSize, size, features] = rows.shape;
      return gather(rows.reshape([batchSize * size, features]), tensor1d(from, "int32")).reshape(rows.shape);
    });
  }

  /** As {@link KeyValueCache.grow} does it. */
  grow(): void {
    replace(this.#kept, (rows) => {
      const [batchSize, before, features] = rows.shape;
      return before === this.#numRows ? rows : concat([rows, noRows(batchSize, this.#numRows - before, features)], 1);
    });
  }

  /** As {@link KeyValueCache.rearrange} does it. */
  rearrange(sequences: readonly number[], places: Tensor1D): void {
    this.#sliding?.rearrange(sequences);
    replace(this.#kept, (rows) => gather(rows, places));
    const isShared = this.#memory?.keys.shape[0] === 1;
    if (!isShared) replace(this.#memory, (rows) => gather(rows, places));
  }

  dispose(): void {
    for (const each of [this.#kept, this.#memory]) {
      each?.keys.dispose();
      each?.values.dispose();
    }
    this.#sliding?.dispose();
    this.#kept = undefined;
    this.#memory = undefined;
    this.#memoryOf = undefined;
    this.#sliding = undefined;
  }

  get #numRows(): number {
    return Math.min(this.#whole.capacity, this.#sliding?.count ?? Infinity);
  }

  #begin(keyWidth: number, valueWidth: number, window: number | undefined): KeyValues {
    const { batchSize, chunkSize } = this.#whole;
    if (window && chunkSize < Infinity) this.#sliding = new SlidingRows(batchSize, window, chunkSize);
    const room = (features: number): Tensor3D => keep(noRows(batchSize, this.#numRows, features));
    this.#kept = { keys: room(keyWidth), values: room(valueWidth) };
    return this.#kept;
  }
}

/** Filled where it lies: zeros from JavaScript would wait until the queue of the engine is empty. */
function noRows(batchSize: number, count: number, features: number): Tensor3D {
  return fill([batchSize, count, features], 0);
}

/** One after the other, so that memory never holds all of it twice. */
function replace(all: KeyValues | undefined, change: (rows: Tensor3D) => Tensor3D): void {
  if (all === undefined) return;
  for (const name of ["keys", "values"] as const) {
    const before = all[name];
    const after = tidy(() => keep(change(before)));
    all[name] = after;
    if (after !== before) before.dispose();
  }
}
