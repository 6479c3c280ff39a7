import type { Batch } from "./batch.ts";
import { TextTooShortError } from "./errors.ts";
import type { TokenSource } from "./token-source.ts";

/** A window reads one token more than its inputs: the target of the last one. */
export function requireOneWindow(tokens: TokenSource, contextLength: number): void {
  if (tokens.length > contextLength) return;
  throw new TextTooShortError(tokens.length, contextLength + 1, `one window of contextLength ${contextLength}`);
}

/** The windows that begin at `starts` as one batch, targets shifted by one. */
export function gatherWindows(tokens: TokenSource, starts: readonly number[], contextLength: number): Batch {
  const inputs = new Int32Array(starts.length * contextLength); // (B, T)
  const targets = new Int32Array(inputs.length); // (B, T)
  for (const [row, start] of starts.entries()) {
    const window = tokens.read(start, start + contextLength + 1); // (T + 1)
    inputs.set(window.subarray(0, contextLength), row * contextLength);
    targets.set(window.subarray(1), row * contextLength);
  }
  return { inputs, targets, shape: [starts.length, contextLength] };
}
