import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import type { Batch, BatchSource, PairBatch } from "./batch.ts";
import { requirePositive, requireSeed, requireShare } from "./check.ts";
import { DataOptionError } from "./errors.ts";
import { shuffled } from "./random.ts";
import { withRandomness } from "./with-randomness.ts";

/** Not the numbers that windows, masks and initial weights are drawn from, when they have the same seed. */
const STREAM = 3;

export interface CorruptedSpansOptions {
  /** The tokens that stand for the first, second, … span that is cut out: `<extra_id_0>`, `<extra_id_1>`, … of T5. */
  readonly sentinels: readonly number[];
  /** The token that ends both texts. */
  readonly endOfText: number;
  /** The share of tokens that are cut out, in (0, 1). Default 0.15, as in T5. */
  readonly share?: number;
  /** How many tokens a span has on average. Default 3, as in T5. */
  readonly meanSpanLength?: number;
  /** The same seed cuts out the same spans; its low 32 bits count. */
  readonly seed: number;
}

/**
 * Batches for span corruption (Raffel et al. 2020): of the inputs of `batches` spans are cut out, each a sentinel in its
 * place; the targets are each sentinel and what stood there. A row begins with tokens that stay and ends with a span, as
 * in T5's own code, and all rows of a batch are of one length.
 * @throws DataOptionError, also while iterating: too few sentinels for the spans of a row, or rows too short to cut;
 *   `restore` throws BatchStateError
 */
export function corruptedSpans(batches: BatchSource, options: CorruptedSpansOptions): BatchSource<PairBatch> {
  const { sentinels, endOfText, share = 0.15, meanSpanLength = 3, seed } = options;
  requireShare("share", share);
  requirePositive({ meanSpanLength });
  requireSeed("seed", seed);
  const settings = { spans: `${sentinels} ${endOfText}, share ${share}, mean ${meanSpanLength}, seed ${seed}` };
  return withRandomness(
    batches,
    { settings, seed, stream: STREAM },
    ({ inputs, shape: [batch, time] }: Batch, random) => {
      const sizes = spanSizes(time, share, meanSpanLength, sentinels.length);
      const rows = Array.from({ length: batch }, (_, row) =>
        cutOut(inputs.subarray(row * time, (row + 1) * time), lengths(sizes, random), sentinels, endOfText),
      );
      return {
        inputs: joined(rows.map(({ kept }) => kept)),
        inputShape: [batch, rows[0].kept.length],
        targets: joined(rows.map(({ spans }) => spans)),
        targetShape: [batch, rows[0].spans.length],
      };
    },
  );
}

/** How many tokens of a row stay and are cut out, and in how many spans. */
interface SpanSizes {
  readonly numKept: number;
  readonly numCut: number;
  readonly numSpans: number;
}

function spanSizes(time: number, share: number, meanSpanLength: number, numSentinels: number): SpanSizes {
  const numCut = Math.min(Math.max(Math.round(time * share), 1), time - 1);
  const numKept = time - numCut;
  if (numCut < 1) throw new DataOptionError("batches", `rows of ${time}`, "rows of two tokens or more");
  const numSpans = Math.min(Math.max(Math.round(numCut / meanSpanLength), 1), numKept);
  if (numSpans <= numSentinels) return { numKept, numCut, numSpans };
  throw new DataOptionError("sentinels", `${numSentinels} tokens`, `one for each of the ${numSpans} spans of a row`);
}

/** The lengths of what stays before each span, and of each span. */
function lengths(
  { numKept, numCut, numSpans }: SpanSizes,
  random: RandomGenerator,
): { kept: readonly number[]; cut: readonly number[] } {
  return { kept: partition(numKept, numSpans, random), cut: partition(numCut, numSpans, random) };
}

/** `total` as a sum of `count` positive whole numbers, drawn uniformly among all such sums. */
function partition(total: number, count: number, random: RandomGenerator): number[] {
  const ends = [...shuffled(total - 1, random).subarray(0, count - 1)].map((place) => place + 1).sort((a, b) => a - b);
  return [...ends, total].map((end, i) => end - (ends[i - 1] ?? 0));
}

function cutOut(
  tokens: Int32Array,
  { kept, cut }: ReturnType<typeof lengths>,
  sentinels: readonly number[],
  endOfText: number,
): { kept: number[]; spans: number[] } {
  const rest: number[] = [];
  const spans: number[] = [];
  let place = 0;
  for (const [i, length] of kept.entries()) {
    rest.push(...tokens.subarray(place, place + length), sentinels[i]);
    place += length;
    spans.push(sentinels[i], ...tokens.subarray(place, place + cut[i]));
    place += cut[i];
  }
  return { kept: [...rest, endOfText], spans: [...spans, endOfText] };
}

const joined = (rows: readonly (readonly number[])[]): Int32Array => Int32Array.from(rows.flat());
