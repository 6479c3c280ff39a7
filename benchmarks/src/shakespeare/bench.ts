import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCorpus } from "@tessera-examples/common";
import { splitText } from "@tessera-lm/data";
import { characterTokenizer } from "@tessera-lm/tokenizer";
import { presets } from "../../../examples/shakespeare/src/presets.ts";
import { type Benchmark, requireKnown } from "../benchmark.ts";
import type { Contestant } from "../contestant.ts";
import { pythonWith } from "../python.ts";
import { type Row, toRow } from "../row.ts";
import { type Course, trainCases } from "../train/cases.ts";
import { startOurs, startPeer } from "../train/contestants.ts";

/** Steps between two evaluations, as in nanoGPT. */
const INTERVAL = 250;

/**
 * A whole run of the preset `baby` on tiny Shakespeare with nanoGPT's 2000 steps, an evaluation after every 250th: how
 * long it takes and what the model has learned. The native engine, the engine as WebAssembly, and PyTorch take turns.
 */
export const shakespeareBenchmark: Benchmark = async function* ({ presets: cases, steps = 2000, backend, say }) {
  requireKnown(cases, ["baby"]);
  const python = await pythonWith(["torch"], say);
  const folder = await mkdtemp(join(tmpdir(), "tessera-bench-"));
  const { baby } = trainCases;
  const course = await prepareCourse(join(folder, "ids.bin"), steps);
  const backends = backend === undefined ? ["tessera", "tessera-wasm"] : [backend];
  const ours = backends.map((backend) => startOurs(baby, { backend, course }));
  const peer = startPeer(python, baby, { course });
  try {
    const finished = await finishAll([...ours, peer], steps, say);
    yield* rows(finished.slice(0, -1), finished.at(-1) as Finished);
  } finally {
    await Promise.all([...ours, peer].map((contestant) => contestant.end()));
    await rm(folder, { recursive: true });
  }
};

/** How a whole run went. */
interface Finished {
  name: string;
  seconds: number;
  loss: number;
}

/** Lets each make the run in turns of as many steps as lie between two evaluations. */
async function finishAll(all: readonly Contestant[], steps: number, say: (line: string) => void): Promise<Finished[]> {
  const runs = await Promise.all(
    all.map(async (one) => ({ ...(await one.introduction()), seconds: 0, loss: Number.NaN })),
  );
  for (let done = 0; done < steps; done += INTERVAL) {
    for (const [i, contestant] of all.entries()) {
      const run = runs[i] as Finished;
      const trained = await contestant.run(Math.min(INTERVAL, steps - done));
      const evaluated = await contestant.run(1, "evaluate");
      const milliseconds = [...trained.milliseconds, ...evaluated.milliseconds].reduce((sum, one) => sum + one, 0);
      run.seconds += milliseconds / 1000;
      run.loss = evaluated.check;
      say(`${run.name}: step ${Math.min(done + INTERVAL, steps)}, validation loss ${run.loss.toFixed(3)}`);
    }
  }
  return runs;
}

function rows(ours: readonly Finished[], peer: Finished): Row[] {
  const common = { better: "lower", peerName: peer.name } as const;
  return ours.flatMap(({ name, seconds, loss }) => {
    const named = { ...common, backend: name };
    const label = `shakespeare, ${name}`;
    return [
      toRow({ ...named, name: label, unit: "s", ours: [seconds], peer: [peer.seconds] }),
      toRow({ ...named, name: `${label}, validation`, unit: "nats", ours: [loss], peer: [peer.loss] }),
    ];
  });
}

async function prepareCourse(ids: string, steps: number): Promise<Course> {
  const { text } = await findCorpus(undefined);
  const tokenizer = characterTokenizer(text);
  const { training, validation } = splitText(text, { validation: 0.1 });
  const [learned, held] = [training, validation].map((part) => Int32Array.from(tokenizer.encode(part))) as [
    Int32Array,
    Int32Array,
  ];
  await writeFile(ids, new Uint8Array(Int32Array.from([...learned, ...held]).buffer));
  const { learningRate } = presets.baby;
  const warmupSteps = Math.min(presets.baby.warmupSteps, Math.floor(steps / 10));
  return { ids, trainingTokens: learned.length, steps, warmupSteps, learningRate };
}
