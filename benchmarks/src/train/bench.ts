import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { UsageError } from "@tessera-examples/common";
import type { Benchmark, BenchmarkOptions } from "../benchmark.ts";
import { Contestant } from "../contestant.ts";
import { ContestantError } from "../errors.ts";
import { pythonWithTorch } from "../python.ts";
import { type Measurement, type Row, toRow } from "../row.ts";
import { type Plan, type Result, takeTurns } from "../turns.ts";
import { type TrainCase, type TrainSettings, trainCases } from "./cases.ts";

/** Time and peak memory of a training step, beside PyTorch (eager, fused AdamW) on the same model and machine. */
export const trainBenchmark: Benchmark = async function* (options) {
  const cases = chosenCases(options.presets);
  const python = await pythonWithTorch(options.say);
  for (const [name, trainCase] of cases) yield* await measure(name, trainCase, python, options);
};

function chosenCases(presets: readonly string[] | undefined): [name: string, trainCase: TrainCase][] {
  const known = Object.keys(trainCases);
  const unknown = presets?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`There is no preset ${unknown}. Choose from ${known.join(", ")}.`);
  return Object.entries(trainCases).filter(([name]) => presets === undefined || presets.includes(name));
}

async function measure(name: string, trainCase: TrainCase, python: string, options: BenchmarkOptions): Promise<Row[]> {
  const settings = JSON.stringify(settingsOf(trainCase, options));
  const ours = new Contestant(process.execPath, [...process.execArgv, file("ours.ts"), settings]);
  const peer = new Contestant(python, [file("peer.py"), settings]);
  try {
    const plan = planOf(trainCase.plan, options.steps);
    const results = await takeTurns([ours, peer], plan, (line) => options.say(`train ${name}: ${line}`));
    for (const result of results) checkFirstLoss(result, trainCase.vocabSize);
    return rows(name, options, results[0] as Result, results[1] as Result);
  } finally {
    await Promise.all([ours.end(), peer.end()]);
  }
}

function rows(name: string, options: BenchmarkOptions, ours: Result, peer: Result): Row[] {
  const reason = ours.failure ?? peer.failure;
  // One that failed early has not said its name.
  const names = { peerName: peer.name || "torch", backend: ours.name || (options.backend ?? "default") };
  const common = { better: "lower", ...names, reason } as const;
  const measurements: Measurement[] = [
    { ...common, name: `train ${name}`, unit: "ms/step", ours: ours.milliseconds, peer: peer.milliseconds },
    { ...common, name: `train ${name} memory`, unit: "MB", ours: ours.peakMegabytes, peer: peer.peakMegabytes },
  ];
  return measurements.map(toRow);
}

/** A model that knows nothing gives every token the same probability: its loss is ln V, on both sides. */
function checkFirstLoss({ name, firstCheck, failure }: Result, vocabSize: number): void {
  const expected = Math.log(vocabSize);
  if (failure !== undefined || Math.abs(firstCheck - expected) < 0.1 * expected) return;
  throw new ContestantError(`${name}: the first loss is ${firstCheck}, expected about ${expected.toFixed(2)}`);
}

function settingsOf({ preset, vocabSize }: TrainCase, { backend }: BenchmarkOptions): TrainSettings {
  const { contextLength, numLayers, numHeads, width, batchSize } = preset;
  const threads = availableParallelism();
  return { vocabSize, contextLength, numLayers, numHeads, width, batchSize, threads, backend };
}

function planOf(plan: Plan, steps: number | undefined): Plan {
  return steps === undefined ? plan : { warmup: Math.min(plan.warmup, steps), rounds: steps, runsPerRound: 1 };
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
