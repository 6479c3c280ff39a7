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
import type { KeyValueCache } from "./key-value-cache.ts";

/** Keys and values of one layer. */
export class LayerCache {
  readonly #whole: KeyValueCache;
  #kept: KeyValues | undefined;
  #memory: KeyValues | undefined;

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
   */
  memory(make: () => KeyValues): KeyValues {
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
    replace(this.#kept, (rows) => {
      const [batchSize, before, features] = rows.shape;
      return concat([rows, noRows(batchSize, capacity - before, features)], 1);
    });
  }

  /** As {@link KeyValueCache.rearrange} does it. */
  rearrange(sequences: Tensor1D): void {
    replace(this.#kept, (rows) => gather(rows, sequences));
    const isShared = this.#memory?.keys.shape[0] === 1;
    if (!isShared) replace(this.#memory, (rows) => gather(rows, sequences));
  }

  dispose(): void {
    for (const each of [this.#kept, this.#memory]) {
      each?.keys.dispose();
      each?.values.dispose();
    }
    this.#kept = undefined;
    this.#memory = undefined;
  }

  #room(features: number): Tensor3D {
    return keep(noRows(this.#whole.batchSize, this.#whole.capacity, features));
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
    all[name] = tidy(() => keep(change(before)));
    before.dispose();
  }
}
