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
