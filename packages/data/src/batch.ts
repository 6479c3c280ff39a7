/** One batch of next-token examples: row b predicts `targets[b, t]` from `inputs[b, 0…t]`. */
export interface Batch {
  /** Token ids, (B, T) row-major. */
  readonly inputs: Int32Array;
  /** The token that follows each input, (B, T) row-major; −1 is ignored by every loss. */
  readonly targets: Int32Array;
  readonly shape: readonly [batch: number, time: number];
}

/** One batch of texts to be written from others: row b of the targets from row b of the inputs. */
export interface PairBatch {
  /** Token ids, (B, S) row-major. */
  readonly inputs: Int32Array;
  readonly inputShape: readonly [batch: number, time: number];
  /** Token ids, (B, T) row-major; −1 is ignored by every loss. */
  readonly targets: Int32Array;
  readonly targetShape: readonly [batch: number, time: number];
}

/** Where a batch source stands: plain JSON, kept in a checkpoint. */
export type BatchState = Readonly<Record<string, number | string | readonly number[]>>;

/** A stream of batches that can say where it stands and go on from there, at the exact batch. */
export interface BatchSource<B = Batch> extends Iterable<B> {
  /** The state after the last batch that was handed out. */
  state(): BatchState;
  /** The next batch is the one that followed `state`. */
  restore(state: BatchState): void;
}
