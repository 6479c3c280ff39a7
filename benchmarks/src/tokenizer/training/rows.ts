import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Contestant } from "../../contestant.ts";
import { ContestantError } from "../../errors.ts";
import { type Row, toRow } from "../../row.ts";
import { type Result, takeTurns } from "../../turns.ts";
import type { Surroundings } from "../rows.ts";
import { writeMixedText } from "./mixed-text.ts";

/** What both sides are told, as JSON in their argument. */
export interface TrainingSettings {
  /** A text; each of its lines is given to the trainer by itself. */
  readonly file: string;
  readonly vocabSize: number;
}

/** Rounds for each size; the peer takes more than ten seconds for each. */
const MOST_ROUNDS = 3;

/** Byte-level BPE of 4,096 and of 32,000 on 20 MB of mixed text, beside Hugging Face's trainer: seconds and memory. */
export async function* trainingRows({ dataFolder, python, rounds, say }: Surroundings): AsyncGenerator<Row> {
  const folder = mkdtempSync(join(tmpdir(), "tessera-training-"));
  try {
    const file = join(folder, "mixed.txt");
    writeMixedText(dataFolder, file);
    for (const vocabSize of [4096, 32000]) {
      say(`training a vocabulary of ${vocabSize}`);
      yield* compare({ file, vocabSize }, python, Math.min(rounds, MOST_ROUNDS), say);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function* compare(
  settings: TrainingSettings,
  python: string,
  rounds: number,
  say: (line: string) => void,
): AsyncGenerator<Row> {
  const argument = JSON.stringify(settings);
  const contestants = [
    new Contestant(process.execPath, [...process.execArgv, path("ours.ts"), argument]),
    new Contestant(python, [path("peer.py"), argument]),
  ];
  try {
    const plan = { warmup: 1, rounds, runsPerRound: 1 };
    const [ours, peer] = (await takeTurns(contestants, plan, say)) as [Result, Result];
    for (const { failure } of [ours, peer]) if (failure !== undefined) throw new ContestantError(failure);
    if (ours.lastCheck !== peer.lastCheck) throw new ContestantError(`merges differ from those of ${peer.name}`);
    const seconds = ({ milliseconds }: Result): number[] => milliseconds.map((time) => time / 1000);
    const common = { better: "lower", peerName: `${peer.name}, all threads`, backend: "typescript" } as const;
    const name = `train ${settings.vocabSize} on 20 MB`;
    yield toRow({ name, unit: "s", ours: seconds(ours), peer: seconds(peer), ...common });
    yield toRow({ name, unit: "MB peak", ours: ours.peakMegabytes, peer: peer.peakMegabytes, ...common });
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()));
  }
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
