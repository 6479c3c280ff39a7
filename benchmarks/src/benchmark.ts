import { UsageError } from "@tessera-examples/common";
import type { Row } from "./row.ts";

/** What the command line gives to a benchmark. */
export interface BenchmarkOptions {
  /** Cases to measure; all by default. */
  readonly presets?: readonly string[];
  /** How many timed runs per case, instead of the case's own number. */
  readonly steps?: number;
  /** TensorFlow.js backend of our side; the best one by default. */
  readonly backend?: string;
  /** Tells a waiting person how far it is. */
  readonly say: (line: string) => void;
}

/** A benchmark: rows as they become known. One file or folder each, listed in `main.ts`. */
export type Benchmark = (options: BenchmarkOptions) => AsyncGenerator<Row>;

/** @throws UsageError for a case that a benchmark does not have */
export function requireKnown(chosen: readonly string[] | undefined, known: readonly string[]): void {
  const unknown = chosen?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no preset ${unknown}. Choose from ${known.join(", ")}.`);
}
