import type { Contestant } from "../contestant.ts";
import { ContestantError } from "../errors.ts";
import { type Row, toRow } from "../row.ts";
import { takeTurns } from "../turns.ts";
import { type PeerName, startOurs, startPeer, type VocabularyName } from "./contestants.ts";
import { megabytes, type TextCase } from "./texts.ts";

/** One comparison. */
export interface TokenizerCase {
  readonly vocabulary: VocabularyName;
  readonly text: TextCase;
  readonly peer: PeerName;
}

/** What all rows need. */
export interface Surroundings {
  readonly dataFolder: string;
  readonly python: string;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** What one side did. */
interface Side {
  readonly name: string;
  readonly milliseconds: readonly number[];
  /** A sum over all ids. */
  readonly check: number;
}

/** Both sides have done the work before, and take turns. */
export async function steadyRow(one: TokenizerCase, work: "encode" | "decode", around: Surroundings): Promise<Row> {
  const sides = await withBoth(one, around, async (contestants) => {
    for (const contestant of contestants) {
      await contestant.introduction();
      await contestant.run(1, "encode"); // what is to be decoded
    }
    const plan = { warmup: 3, rounds: around.rounds, runsPerRound: 3, work };
    const results = await takeTurns(contestants, plan, () => {});
    return results.map(({ name, milliseconds, lastCheck }): Side => ({ name, milliseconds, check: lastCheck }));
  });
  return rowOf(one, work, sides);
}

/** The first encoding of a process that has done nothing but load its vocabulary; each time a new one. */
export async function firstPassRow(one: TokenizerCase, around: Surroundings): Promise<Row> {
  const rounds: Side[][] = [];
  for (let round = 0; round < around.rounds; round++) rounds.push(await withBoth(one, around, firstPasses));
  const [ours, peer] = [0, 1].map((which): Side => {
    const passes = rounds.map((sides) => sides[which] as Side);
    return { ...(passes[0] as Side), milliseconds: passes.flatMap(({ milliseconds }) => milliseconds) };
  });
  return rowOf(one, "first pass", [ours as Side, peer as Side]);
}

async function firstPasses(contestants: readonly Contestant[]): Promise<Side[]> {
  const sides: Side[] = [];
  for (const contestant of contestants) {
    const { name } = await contestant.introduction(); // it is ready
    sides.push({ name, ...(await contestant.run(1, "encode")) });
  }
  return sides;
}

async function withBoth<T>(
  { vocabulary, text, peer }: TokenizerCase,
  { dataFolder, python }: Surroundings,
  measure: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const settings = { vocabulary, dataFolder, files: text.files };
  const contestants = [startOurs(settings), startPeer(peer, settings, python)];
  try {
    for (const contestant of contestants) await contestant.introduction();
    return await measure(contestants);
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()));
  }
}

function rowOf({ vocabulary, text }: TokenizerCase, work: string, [ours, peer]: readonly Side[]): Row {
  if (ours === undefined || peer === undefined) throw new ContestantError("one side is missing");
  if (ours.check !== peer.check) throw new ContestantError(`${text.name}: other ids than those of ${peer.name}`);
  const size = megabytes(text);
  const rates = (side: Side): number[] => side.milliseconds.map((time) => (1000 * size) / time);
  return toRow({
    name: `${work} ${vocabulary}, ${text.name}`,
    unit: "MB/s",
    better: "higher",
    ours: rates(ours),
    peer: rates(peer),
    peerName: peer.name,
    backend: "typescript",
  });
}
