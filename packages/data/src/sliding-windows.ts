import type { Batch, BatchSource, BatchState } from "./batch.ts";
import { requireCount, requireSettings } from "./batch-state.ts";
import { requirePositive, requireSeed } from "./check.ts";
import { TextTooShortError } from "./errors.ts";
import { seededGenerator, shuffled } from "./random.ts";
import type { TokenSource } from "./token-source.ts";
import { gatherWindows, requireOneWindow } from "./windows.ts";

export interface SlidingWindowsOptions {
  /** Windows in a batch, B. */
  readonly batchSize: number;
  /** Tokens in a window, T. */
  readonly contextLength: number;
  /** Tokens from the beginning of one window to that of the next. Default: contextLength, so that none overlap. */
  readonly stride?: number;
  /** Draws a new order of the windows for every epoch. Default: they come in the order of the text. */
  readonly shuffleSeed?: number;
  /** Leaves out the last batch of an epoch where it is smaller than batchSize. Default: false. */
  readonly dropLast?: boolean;
}

/**
 * Every window that fits wholly into the tokens, once per epoch: window w begins at token w · stride. Tokens after the
 * last whole window are not padded but left out. One iteration is one epoch, or what is left of it after `restore` or
 * `break`; the next iteration is the next epoch.
 * @throws DataOptionError, TextTooShortError; `restore` throws BatchStateError
 */
export function slidingWindows(tokens: TokenSource, options: SlidingWindowsOptions): BatchSource {
  const { batchSize, contextLength, stride = contextLength, shuffleSeed, dropLast = false } = options;
  requirePositive({ batchSize, contextLength, stride });
  if (shuffleSeed !== undefined) requireSeed("shuffleSeed", shuffleSeed);
  requireOneWindow(tokens, contextLength);
  const windows = Math.ceil((tokens.length - contextLength) / stride);
  const batches = dropLast ? Math.floor(windows / batchSize) : Math.ceil(windows / batchSize);
  if (batches === 0) throw tooFewWindows(tokens.length, contextLength, stride, batchSize);

  const settings = {
    kind: "sliding windows",
    length: tokens.length,
    batchSize,
    contextLength,
    stride,
    shuffleSeed: shuffleSeed ?? "none",
    dropLast: Number(dropLast),
  };
  const orderOf = (epoch: number): Uint32Array | undefined =>
    shuffleSeed === undefined ? undefined : shuffled(windows, seededGenerator(shuffleSeed, epoch));
  let epoch = 0;
  let batch = 0; // of this epoch, the next to hand out
  let order = orderOf(epoch);

  const moveTo = (newEpoch: number, newBatch: number): void => {
    if (newEpoch !== epoch) order = orderOf(newEpoch);
    epoch = newEpoch;
    batch = newBatch;
  };
  const readNext = (): Batch => {
    const first = batch * batchSize;
    const count = Math.min(batchSize, windows - first);
    const starts = Array.from({ length: count }, (_, i) => (order?.[first + i] ?? first + i) * stride);
    if (batch + 1 < batches) moveTo(epoch, batch + 1);
    else moveTo(epoch + 1, 0);
    return gatherWindows(tokens, starts, contextLength);
  };
  return {
    *[Symbol.iterator](): Generator<Batch> {
      do yield readNext();
      while (batch > 0);
    },
    state: (): BatchState => ({ ...settings, epoch, batch }),
    restore(state: BatchState): void {
      requireSettings(state, settings);
      moveTo(requireCount(state, "epoch"), requireCount(state, "batch", batches));
    },
  };
}

function tooFewWindows(length: number, contextLength: number, stride: number, batchSize: number): TextTooShortError {
  const needed = (batchSize - 1) * stride + contextLength + 1;
  const reason = `one whole batch of ${batchSize} windows of contextLength ${contextLength} (stride ${stride}, dropLast)`;
  return new TextTooShortError(length, needed, reason);
}
