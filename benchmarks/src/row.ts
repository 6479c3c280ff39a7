import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { columns } from "./table.ts";

/** One line of a benchmark's result. */
export interface Row {
  /** Benchmark and case, such as `train gpt2`. */
  readonly name: string;
  readonly unit: string;
  /** Null if we could not do it; `reason` says why. */
  readonly ours: number | null;
  readonly peer: number | null;
  readonly peerName: string;
  /** How many times better we are, whatever the unit: above 1 is better. */
  readonly ratio: number | null;
  /** The smallest and the largest ratio of a single round. */
  readonly spread: readonly [least: number, most: number] | null;
  /** How much was reached of the rate at which this machine multiplies matrices, or reads memory, where that says something. */
  readonly shareOfPeak?: { readonly ours: number | null; readonly peer: number | null };
  /** The TensorFlow.js backend that we ran on. */
  readonly backend: string;
  readonly machine: string;
  readonly reason?: string;
}

/** What was measured, before the comparison: one number per round. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  /** Left out where a ratio says nothing. */
  readonly better?: "lower" | "higher";
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  readonly peerName: string;
  readonly backend: string;
  readonly reason?: string;
  /** How much a value is of the most that this machine can do. */
  readonly share?: (value: number) => number;
}

/** Medians over the rounds, and how the ratio varied from round to round. */
export function toRow({ name, unit, better, ours, peer, peerName, backend, reason, share }: Measurement): Row {
  const compare = (a: number, b: number): number => (better === "lower" ? b / a : a / b);
  const [a, b] = [median(ours), median(peer)];
  const pairs = better === undefined ? [] : ours.slice(0, peer.length);
  const ratios = pairs.map((value, i) => compare(value, peer[i] as number));
  const shareOf = (value: number | null): number | null =>
    share === undefined || value === null ? null : rounded(share(value));
  return {
    name,
    unit,
    ours: rounded(a),
    peer: rounded(b),
    peerName,
    ratio: a === null || b === null || better === undefined ? null : rounded(compare(a, b)),
    spread: ratios.length < 2 ? null : [rounded(Math.min(...ratios)), rounded(Math.max(...ratios))],
    backend,
    machine: machine(),
    ...(share !== undefined && { shareOfPeak: { ours: shareOf(a), peer: shareOf(b) } }),
    ...(reason !== undefined && { reason }),
  };
}

/** The middle value, or the mean of the two middle ones; null for none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  return ((low as number) + (high as number)) / 2;
}

/** The rows as a table for a person; what could not be measured is explained below it. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.name,
    row.unit,
    show(row.ours),
    show(row.peer),
    row.ratio === null ? "–" : `${row.ratio}×`,
    row.spread === null ? "–" : `${row.spread[0]}–${row.spread[1]}`,
    row.shareOfPeak === undefined ? "" : `${percent(row.shareOfPeak.ours)} / ${percent(row.shareOfPeak.peer)}`,
    row.backend,
    row.peerName,
  ]);
  const lines = [["", "unit", "ours", "peer", "ratio", "spread", "of peak", "our backend", "peer's name"], ...cells];
  const reasons = rows.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${name}: ${reason}`]));
  return [...columns(lines), "", "A ratio above 1 means that we are better.", machine(), ...reasons].join("\n");
}

/** Processes at work when this one began: with more than none, neither side is as fast as it could be. */
const loadBefore = loadavg()[0] as number;

/** Processor, threads, memory and what else was going on, in words. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${model}, ${availableParallelism()} threads, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}, Node ${process.versions.node}, load before ${loadBefore.toFixed(1)}`;
}

const show = (value: number | null): string => (value === null ? "–" : String(value));

const percent = (share: number | null): string => (share === null ? "–" : `${Math.round(100 * share)} %`);

/** Three significant digits, or whole numbers. */
function rounded(value: number): number;
function rounded(value: number | null): number | null;
function rounded(value: number | null): number | null {
  return value === null ? null : Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
