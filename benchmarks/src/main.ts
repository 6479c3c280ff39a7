/** `npm run bench -- NAME`: measures Tessera beside its peers and prints a table, or JSON lines. */
import { choice, createCommand, positiveInteger, runMain } from "@tessera-examples/common";
import { Argument } from "commander";
import type { Benchmark } from "./benchmark.ts";
import { decodeBenchmark } from "./decode/bench.ts";
import { kernelsBenchmark } from "./kernels/bench.ts";
import { memoryBenchmark } from "./memory/bench.ts";
import { type Row, table } from "./row.ts";
import { shakespeareBenchmark } from "./shakespeare/bench.ts";
import { tokenizerBenchmark } from "./tokenizer/bench.ts";
import { trainBenchmark } from "./train/bench.ts";

const benchmarks: Readonly<Record<string, Benchmark>> = {
  train: trainBenchmark,
  kernels: kernelsBenchmark,
  shakespeare: shakespeareBenchmark,
  memory: memoryBenchmark,
  tokenizer: tokenizerBenchmark,
  decode: decodeBenchmark,
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
  const rows: Row[] = [];
  const say = (line: string): void => console.error(line);
  for await (const row of (benchmarks[command.args[0] as string] as Benchmark)({ ...options, say })) {
    rows.push(row);
    if (options.json) console.log(JSON.stringify(row));
  }
  if (!options.json) console.log(table(rows));
});
