import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeFile } from "@tessera-lm/tokenizer/node";
import { ContestantError } from "../errors.ts";
import { type Row, toRow } from "../row.ts";
import { loadTokenizer } from "./load-tokenizer.ts";
import type { Surroundings } from "./rows.ts";
import { englishTexts, readTexts } from "./texts.ts";

const MEGABYTES = 50;

/** Two worker threads beside one thread: the same file, from the disk to ids. The first, cold round of both is left out. */
export async function fileRow({ dataFolder, rounds }: Surroundings): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), "tessera-bench-"));
  const path = join(folder, "big.txt");
  const text = readTexts({ files: englishTexts(dataFolder).flatMap(({ files }) => files) }).join("\n");
  await writeFile(path, text.repeat(Math.ceil((MEGABYTES * 1e6) / text.length)).slice(0, MEGABYTES * 1e6));
  const tokenizer = loadTokenizer("gpt2", dataFolder);
  const alone = async (): Promise<number> => tokenizer.encode(await readFile(path, "utf8")).length;
  const together = async (): Promise<number> => {
    let count = 0;
    for await (const ids of encodeFile(path, tokenizer, { workers: 2 })) count += ids.length;
    return count;
  };
  const [ours, peer]: [number[], number[]] = [[], []];
  try {
    if ((await together()) !== (await alone())) throw new ContestantError("the parts have other ids than the whole");
    for (let round = 0; round < rounds; round++) {
      ours.push(await rate(together));
      peer.push(await rate(alone));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  const name = `file of ${MEGABYTES} MB gpt2, two workers`;
  return toRow({ name, unit: "MB/s", better: "higher", ours, peer, peerName: "one thread", backend: "typescript" });
}

async function rate(work: () => Promise<number>): Promise<number> {
  const start = performance.now();
  await work();
  return (1000 * MEGABYTES) / (performance.now() - start);
}
