import type { Batch, BatchSource, BatchState } from "./batch.ts";
import { requireCount, requireSettings } from "./batch-state.ts";
import { requirePositive, requireSeed } from "./check.ts";
import { EpochCursor } from "./epoch-cursor.ts";
import { TextTooShortError } from "./errors.ts";
import { identify } from "./identify.ts";
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
 * `break`; the next iteration is the next epoch. Reads up to 65,536 tokens at once, so that a state knows its text.
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
    ...identify(tokens),
    batchSize,
    contextLength,
    stride,
    shuffleSeed: shuffleSeed ?? "none",
    dropLast: Number(dropLast),
  };
  const cursor = new EpochCursor(windows, batches, shuffleSeed);

  const readNext = (): Batch => {
    const starts = cursor.windows(batchSize).map((window) => window * stride);
    cursor.advance();
    return gatherWindows(tokens, starts, contextLength);
  };
  return {
    *[Symbol.iterator](): Generator<Batch> {
      do yield readNext();
      while (cursor.batch > 0);
    },
    state: (): BatchState => ({ ...settings, epoch: cursor.epoch, batch: cursor.batch }),
    restore(state: BatchState): void {
      requireSettings(state, settings);
      cursor.moveTo(requireCount(state, "epoch"), requireCount(state, "batch", batches));
    },
  };
}

function tooFewWindows(length: number, contextLength: number, stride: number, batchSize: number): TextTooShortError {
  const needed = (batchSize - 1) * stride + contextLength + 1;
  const reason = `one whole batch of ${batchSize} windows of contextLength ${contextLength} (stride ${stride}, dropLast)`;
  return new TextTooShortError(length, needed, reason);
}
