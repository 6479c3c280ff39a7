/** `npm run bench -- NAME`: measures Tessera beside its peers and prints a table, or JSON lines. */
import { choice, createCommand, positiveInteger, runMain } from "@tessera-examples/common";
import { Argument } from "commander";
import type { BenchmarkOptions } from "./benchmark.ts";
import { decodeBenchmark } from "./decode/bench.ts";
import { kernelsBenchmark } from "./kernels/bench.ts";
import { memoryBenchmark } from "./memory/bench.ts";
import { roundTrips } from "./round-trips/bench.ts";
import { roundTripTable } from "./round-trips/round-trip.ts";
import { table } from "./row.ts";
import { shakespeareBenchmark } from "./shakespeare/bench.ts";
import { tokenizerBenchmark } from "./tokenizer/bench.ts";
import { trainBenchmark } from "./train/bench.ts";

/** Prints what becomes known, and in the end a table of it. */
type Report = (options: BenchmarkOptions, json: boolean) => Promise<void>;

const report =
  <Row extends object>(
    measure: (options: BenchmarkOptions) => AsyncGenerator<Row>,
    tableOf: (rows: readonly Row[]) => string,
  ): Report =>
  async (options, json) => {
    const rows: Row[] = [];
    for await (const row of measure(options)) {
      rows.push(row);
      if (json) console.log(JSON.stringify(row));
      if ("passed" in row && !row.passed) process.exitCode = 1;
    }
    if (!json) console.log(tableOf(rows));
  };

const benchmarks: Readonly<Record<string, Report>> = {
  train: report(trainBenchmark, table),
  kernels: report(kernelsBenchmark, table),
  shakespeare: report(shakespeareBenchmark, table),
  memory: report(memoryBenchmark, table),
  tokenizer: report(tokenizerBenchmark, table),
  decode: report(decodeBenchmark, table),
  "round-trips": report(roundTrips, roundTripTable),
};

type Options = { json?: true; presets?: string[]; steps?: number; backend?: string };

await runMain(async () => {
  const names = Object.keys(benchmarks);
  const command = createCommand("npm run bench --", "Measures Tessera and its peers in turns on this machine.")
    .addArgument(new Argument("<name>", `what to measure: ${names.join(", ")}`).argParser(choice(names)))
    .option("--json", "print one JSON line per row and nothing else")
    .option("--presets <names>", "measure only these cases, such as baby,char", (value) => value.split(","))
    .option("--steps <n>", "timed runs per case, instead of the case's own number", positiveInteger)
    .option("--backend <name>", "TensorFlow.js backend of our side (default: the best)")
    .parse(process.argv);
  const options: Options = command.opts();
  const say = (line: string): void => console.error(line);
  const { json = false, ...rest } = options;
  await (benchmarks[command.args[0] as string] as Report)({ ...rest, say }, json);
});
