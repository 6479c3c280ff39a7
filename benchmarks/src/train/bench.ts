import { type Benchmark, type BenchmarkOptions, requireKnown } from "../benchmark.ts";
import { ContestantError } from "../errors.ts";
import { peakProductRate, shareOfPeak } from "../peak.ts";
import { pythonWith } from "../python.ts";
import { type Measurement, type Row, toRow } from "../row.ts";
import { type Plan, type Result, takeTurns } from "../turns.ts";
import { stepFlops, type TrainCase, trainCases } from "./cases.ts";
import { startOurs, startPeer } from "./contestants.ts";

/** Time and peak memory of a training step, beside PyTorch (eager, fused AdamW) on the same model and machine. */
export const trainBenchmark: Benchmark = async function* (options) {
  const cases = chosenCases(options.presets);
  const python = await pythonWith(["torch"], options.say);
  for (const [name, trainCase] of cases) yield* await measure(name, trainCase, python, options);
};

function chosenCases(presets: readonly string[] | undefined): [name: string, trainCase: TrainCase][] {
  requireKnown(presets, Object.keys(trainCases));
  return Object.entries(trainCases).filter(([name]) => presets === undefined || presets.includes(name));
}

async function measure(name: string, trainCase: TrainCase, python: string, options: BenchmarkOptions): Promise<Row[]> {
  const { backend } = options;
  const ours = startOurs(trainCase, { backend });
  const peer = startPeer(python, trainCase, {});
  try {
    const plan = planOf(trainCase.plan, options.steps);
    const results = await takeTurns([ours, peer], plan, (line) => options.say(`train ${name}: ${line}`));
    for (const result of results) checkFirstLoss(result, trainCase.vocabSize);
    const alive = [ours, peer].filter((_, i) => results[i]?.failure === undefined);
    const share = shareOfPeak(stepFlops(trainCase), await peakProductRate(alive));
    return rows(name, options, share, results[0] as Result, results[1] as Result);
  } finally {
    await Promise.all([ours.end(), peer.end()]);
  }
}

function rows(name: string, options: BenchmarkOptions, share: Measurement["share"], ours: Result, peer: Result): Row[] {
  const reason = ours.failure ?? peer.failure;
  // One that failed early has not said its name.
  const names = { peerName: peer.name || "torch", backend: ours.name || (options.backend ?? "default") };
  const common = { better: "lower", ...names, reason } as const;
  const measurements: Measurement[] = [
    { ...common, name: `train ${name}`, unit: "ms/step", ours: ours.milliseconds, peer: peer.milliseconds, share },
    { ...common, name: `train ${name} memory`, unit: "MB", ours: ours.peakMegabytes, peer: peer.peakMegabytes },
    { ...common, name: `train ${name} event loop`, unit: "ms, p99", ours: ours.eventLoopDelays, peer: [] },
  ];
  return measurements.map(toRow);
}

/** A model that knows nothing gives every token the same probability: its loss is ln V, on both sides. */
function checkFirstLoss({ name, firstCheck, failure }: Result, vocabSize: number): void {
  const expected = Math.log(vocabSize);
  if (failure !== undefined || Math.abs(firstCheck - expected) < 0.1 * expected) return;
  throw new ContestantError(`${name}: the first loss is ${firstCheck}, expected about ${expected.toFixed(2)}`);
}

function planOf(plan: Plan, steps: number | undefined): Plan {
  return steps === undefined ? plan : { warmup: Math.min(plan.warmup, steps), rounds: steps, runsPerRound: 1 };
}
