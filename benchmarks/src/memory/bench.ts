import { type Benchmark, requireKnown } from "../benchmark.ts";
import type { Contestant } from "../contestant.ts";
import { pythonWith } from "../python.ts";
import { toRow } from "../row.ts";
import { trainCases } from "../train/cases.ts";
import { startOurs, startPeer } from "../train/contestants.ts";

/** Steps until everything that is kept for good is there. */
const SETTLING = 50;

/** Whether memory stays flat: how much the process grows from step 50 to the last of 500. Only `baby` by default. */
export const memoryBenchmark: Benchmark = async function* ({ presets = ["baby"], steps = 500, backend, say }) {
  requireKnown(presets, Object.keys(trainCases));
  const python = await pythonWith(["torch"], say);
  for (const [name, trainCase] of Object.entries(trainCases).filter(([name]) => presets.includes(name))) {
    const contestants = [startOurs(trainCase, { backend }), startPeer(python, trainCase, {})] as const;
    try {
      const [ours, peer] = contestants;
      const names = { backend: (await ours.introduction()).name, peerName: (await peer.introduction()).name };
      say(`memory ${name}: ours`);
      const grown = await growth(ours, steps);
      say(`memory ${name}: ${names.peerName}`);
      const peerGrown = await growth(peer, steps);
      yield toRow({
        ...names,
        name: `memory ${name}, growth`,
        unit: "MB",
        ours: [grown],
        peer: [peerGrown],
      });
    } finally {
      await Promise.all(contestants.map((contestant) => contestant.end()));
    }
  }
};

/** How many MB more a contestant holds after the last step than after step 50. */
async function growth(contestant: Contestant, steps: number): Promise<number> {
  await contestant.run(Math.min(SETTLING, steps));
  const { now: before } = await contestant.memory();
  await contestant.run(Math.max(0, steps - SETTLING));
  return (await contestant.memory()).now - before;
}
