import { columns } from "../table.ts";
import { type Reading } from "./reading.ts";

/** A model that went to a peer and came back, in one format. */
export interface RoundTrip {
  readonly name: string;
  readonly format: string;
  readonly peerName: string;
  /** How many tokens of the peer's greedy text are ours, and of how many. */
  readonly sameTokens: readonly [number, number];
  /** How many tokens of our greedy text are the same after the way back. */
  readonly sameTokensAgain: readonly [number, number];
  /** Of our model in float32, before. */
  readonly perplexity: number;
  /** How much it changes, 0.01 for 1 %: as the peer computes it, and as we do with what comes back. */
  readonly change: number;
  readonly changeAgain: number;
  /** The most that it may change. */
  readonly tolerance: number;
  /** Whether the peer encodes texts as we do; undefined where no tokenizer goes along. */
  readonly sameIds?: boolean;
  readonly passed: boolean;
}

/** How much perplexity may change, by format. */
const TOLERANCES: Readonly<Record<string, number>> = { folder: 1e-4, F32: 1e-4, F16: 1e-3, Q8_0: 1e-2 };

export interface Readings {
  readonly name: string;
  readonly format: string;
  readonly peerName: string;
  readonly before: Reading;
  readonly peer: Reading;
  readonly again: Reading;
  readonly sameIds?: boolean;
}

export function toRoundTrip({ before, peer, again, ...names }: Readings): RoundTrip {
  const { format, sameIds = true } = names;
  const tolerance = TOLERANCES[format] as number;
  const [same, sameAgain] = [peer, again].map(({ text }) => alike(before.text, text)) as [number, number];
  const [change, changeAgain] = [peer, again].map(({ loss }) => Math.exp(loss - before.loss) - 1) as [number, number];
  const { length } = before.text;
  const exact = format === "folder" || format === "F32"; // in fewer bits another token may be the likeliest
  return {
    ...names,
    sameTokens: [same, length],
    sameTokensAgain: [sameAgain, length],
    perplexity: Math.exp(before.loss),
    change,
    changeAgain,
    tolerance,
    passed:
      sameIds &&
      Math.abs(change) <= tolerance &&
      Math.abs(changeAgain) <= tolerance &&
      (!exact || (same === length && sameAgain === length)),
  };
}

function alike(a: readonly number[], b: readonly number[]): number {
  const first = a.findIndex((token, i) => token !== b[i]);
  return first < 0 ? a.length : first;
}

/** The round trips as a table for a person. */
export function roundTripTable(trips: readonly RoundTrip[]): string {
  const head = [
    "model",
    "as",
    "read by",
    "same text",
    "back",
    "same ids",
    "perplexity",
    "there",
    "back",
    "at most",
    "",
  ];
  const lines = [head, ...trips.map(cellsOf)];
  const failed = trips.filter(({ passed }) => !passed).length;
  const verdict = failed === 0 ? `All ${trips.length} round trips passed.` : `${failed} of ${trips.length} failed.`;
  return [...columns(lines), "", verdict].join("\n");
}

function cellsOf(trip: RoundTrip): string[] {
  const { name, format, peerName, perplexity, change, changeAgain, tolerance, sameIds, passed } = trip;
  return [
    name,
    format === "folder" ? "folder" : `GGUF ${format}`,
    peerName,
    trip.sameTokens.join("/"),
    trip.sameTokensAgain.join("/"),
    sameIds === undefined ? "" : sameIds ? "yes" : "no",
    perplexity.toFixed(3),
    percent(change),
    percent(changeAgain),
    `${100 * tolerance} %`,
    passed ? "ok" : "FAILED",
  ];
}

const percent = (share: number): string => `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(4)} %`;
