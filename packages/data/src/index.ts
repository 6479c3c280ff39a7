export type { Batch, BatchSource, BatchState, PairBatch } from "./batch.ts";
export { type CorruptedSpansOptions, corruptedSpans } from "./corrupted-spans.ts";
export {
  BatchStateError,
  BinaryTextError,
  DataOptionError,
  EmptyTextError,
  MissingFileError,
  TextTooShortError,
  TokenizerMismatchError,
  TokenPositionError,
  TokenShardError,
  UnreadableFileError,
} from "./errors.ts";
export { HeldOut } from "./held-out.ts";
export { type MaskedTokensOptions, maskedTokens } from "./masked-tokens.ts";
export { type RandomWindowsOptions, randomWindows } from "./random-windows.ts";
export { type SlidingWindowsOptions, slidingWindows } from "./sliding-windows.ts";
export { type Split, type SplitFractions, splitText, splitTokens } from "./split.ts";
export { inMemoryTokens, type TokenSource } from "./token-source.ts";
