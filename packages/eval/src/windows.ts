import type { Batch, TokenSource } from "@tessera-lm/data";

/** A stretch of tokens for one row of a batch: `ids[firstScored]` and what follows are predicted from what precedes. */
export interface TokenWindow {
  readonly ids: Int32Array;
  readonly firstScored: number;
}

/** Where a window lies in a sequence of tokens. */
interface Span {
  readonly begin: number;
  readonly end: number;
  readonly firstScored: number;
}

/**
 * Disjoint predictions, as lm-evaluation-harness makes them with a context length of 1: every window takes up to
 * `contextLength` inputs and predicts the token after each; only the last one reaches back, to keep its context full.
 */
export function* rollingSpans(length: number, contextLength: number): Generator<Span> {
  for (let scored = 1; scored < length; ) {
    const end = Math.min(scored + contextLength, length);
    yield { begin: Math.max(0, end - contextLength - 1), end, firstScored: scored };
    scored = end;
  }
}

/**
 * Windows of `contextLength` tokens that start every `stride` tokens; each scores the tokens that no window before it
 * has covered. This is the strided perplexity of the transformers documentation.
 */
export function* stridedSpans(length: number, contextLength: number, stride: number): Generator<Span> {
  let covered = 0;
  for (let begin = 0; begin < length && covered < length; begin += stride) {
    const end = Math.min(begin + contextLength, length);
    yield { begin, end, firstScored: Math.max(covered, begin + 1) };
    covered = end;
  }
}

/** Reads each span that scores a token. */
export function* readWindows(tokens: TokenSource, spans: Iterable<Span>): Generator<TokenWindow> {
  for (const { begin, end, firstScored } of spans) {
    if (firstScored < end) yield { ids: tokens.read(begin, end), firstScored: firstScored - begin };
  }
}

/** The same tokens with one more in front. */
export function withPrefix(prefix: number, tokens: TokenSource): TokenSource {
  return {
    length: tokens.length + 1,
    read: (start, end) => {
      if (start > 0) return tokens.read(start - 1, end - 1);
      if (end <= 0) return new Int32Array(0);
      const ids = new Int32Array(end);
      ids[0] = prefix;
      ids.set(tokens.read(0, end - 1), 1);
      return ids;
    },
  };
}

/** Windows → batches of at most `batchSize` rows, padded on the right, where causal models do not look. */
export function* windowBatches(windows: Iterable<TokenWindow>, batchSize: number): Generator<Batch> {
  let rows: TokenWindow[] = [];
  for (const window of windows) {
    rows.push(window);
    if (rows.length < batchSize) continue;
    yield toBatch(rows);
    rows = [];
  }
  if (rows.length > 0) yield toBatch(rows);
}

function toBatch(rows: readonly TokenWindow[]): Batch {
  const time = Math.max(...rows.map((row) => row.ids.length - 1));
  const inputs = new Int32Array(rows.length * time);
  const targets = new Int32Array(rows.length * time).fill(-1);
  for (const [index, { ids, firstScored }] of rows.entries()) {
    inputs.set(ids.subarray(0, -1), index * time);
    targets.set(ids.subarray(firstScored), index * time + firstScored - 1);
  }
  return { inputs, targets, shape: [rows.length, time] };
}
