import { fileURLToPath } from "node:url";
import type { Benchmark } from "../benchmark.ts";
import { requireKnown } from "../benchmark.ts";
import { Contestant } from "../contestant.ts";
import { shareOfPeak } from "../peak.ts";
import { pythonWith } from "../python.ts";
import { type Measurement, toRow } from "../row.ts";
import { type Result, takeTurns } from "../turns.ts";
import { type KernelCase, kernelCases, kernelSettings } from "./cases.ts";

/** Each operation of a training step beside PyTorch's (eager), in the sizes of the presets. */
export const kernelsBenchmark: Benchmark = async function* ({ presets, steps = 5, backend, say }) {
  requireKnown(presets, ["baby", "char", "gpt2"]);
  const cases = kernelCases(presets);
  const settings = JSON.stringify(kernelSettings(cases, backend));
  const python = await pythonWith(["torch"], say);
  const ours = new Contestant(process.execPath, [...process.execArgv, file("ours.ts"), settings]);
  const peer = new Contestant(python, [file("peer.py"), settings]);
  try {
    const measured: (readonly [KernelCase, Measurement])[] = [];
    for (const [index, one] of cases.entries()) {
      say(one.name);
      measured.push([one, await measure(index, one, [ours, peer], steps)]);
    }
    const peakRate = Math.max(
      ...measured.flatMap(([{ flops = 0 }, { ours, peer }]) => ratesOf(flops, [...ours, ...peer])),
    );
    for (const [{ flops }, measurement] of measured) {
      yield toRow({ ...measurement, ...(flops !== undefined && { share: shareOfPeak(flops, peakRate) }) });
    }
  } finally {
    await Promise.all([ours.end(), peer.end()]);
  }
};

/** How long a turn should last: long beside what it costs to take a turn and to wait for a queue. */
const TURN_MILLISECONDS = 30;

/** Milliseconds of one operation, round by round. */
async function measure(
  index: number,
  one: KernelCase,
  both: readonly Contestant[],
  rounds: number,
): Promise<Measurement> {
  for (const contestant of both) await contestant.introduction();
  const times: number[] = [];
  for (const contestant of both) {
    await contestant.run(1, `${index}:1`);
    const { milliseconds } = await contestant.run(1, `${index}:1`);
    times.push(Math.min(200, Math.max(1, Math.ceil(TURN_MILLISECONDS / (milliseconds[0] ?? 1)))));
  }
  const perTurn = Math.min(...times);
  const plan = { warmup: 1, rounds, runsPerRound: 1, work: `${index}:${perTurn}` };
  const [ours, peer] = (await takeTurns(both, plan, () => {})) as [Result, Result];
  const each = ({ milliseconds }: Result): number[] => milliseconds.map((turn) => turn / perTurn);
  const names = { peerName: peer.name, backend: ours.name, reason: ours.failure ?? peer.failure };
  return { name: one.name, unit: "ms", better: "lower", ours: each(ours), peer: each(peer), ...names };
}

const ratesOf = (flops: number, milliseconds: readonly number[]): number[] =>
  milliseconds.map((time) => (1000 * flops) / time);

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
