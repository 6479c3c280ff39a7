import { fill, gather, keep, type Tensor1D, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs";
import { type CachedAttentionOptions, cachedAttention, type KeyValues } from "@tessera-lm/ops";

/**
 * Keys and values of the positions that a language model has read, one part for each layer, so that each step of
 * generation computes its own position alone. It has room for `capacity` positions of each of `batchSize` sequences;
 * a token at position p stands in row p, so that a sequence can go back to an earlier position by writing there again.
 */
export class KeyValueCache {
  readonly capacity: number;
  #batchSize: number;
  readonly #layers: LayerCache[] = [];

  constructor(batchSize: number, capacity: number) {
    this.#batchSize = batchSize;
    this.capacity = capacity;
  }

  get batchSize(): number {
    return this.#batchSize;
  }

  /** The part of one layer, counted from 0. */
  layer(index: number): LayerCache {
    this.#layers[index] ??= new LayerCache(this.#batchSize, this.capacity);
    return this.#layers[index];
  }

  /**
   * From now on sequence i is what sequence `sequences[i]` was; there may be more or fewer than before. The tensors
   * are other ones then: a recording that reads them has to begin anew.
   * @param sequences int32
   */
  rearrange(sequences: Tensor1D): void {
    this.#batchSize = sequences.size;
    for (const layer of this.#layers) layer.rearrange(sequences);
  }

  dispose(): void {
    for (const layer of this.#layers) layer.dispose();
  }
}

/** Keys and values of one layer. */
export class LayerCache {
  readonly capacity: number;
  #batchSize: number;
  #kept: KeyValues | undefined;

  constructor(batchSize: number, capacity: number) {
    this.#batchSize = batchSize;
    this.capacity = capacity;
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
    this.#kept ??= { keys: this.#room(key), values: this.#room(value) };
    return cachedAttention(query, key, value, this.#kept, positions, options);
  }

  /** As {@link KeyValueCache.rearrange} does it. */
  rearrange(sequences: Tensor1D): void {
    this.#batchSize = sequences.size;
    if (this.#kept === undefined) return;
    const { keys, values } = this.#kept;
    this.#kept = { keys: keep(gather(keys, sequences)), values: keep(gather(values, sequences)) };
    keys.dispose();
    values.dispose();
  }

  dispose(): void {
    this.#kept?.keys.dispose();
    this.#kept?.values.dispose();
    this.#kept = undefined;
  }

  /** Filled where it lies: zeros from JavaScript would wait until the queue of the engine is empty. */
  #room(rows: Tensor3D): Tensor3D {
    return keep(fill([this.#batchSize, this.capacity, rows.shape[2]], 0));
  }
}
