import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { readText } from "@tessera-lm/data/node";
import { cacheFolder, download } from "./cache.ts";
import { generatedPlays } from "./generated-plays.ts";
import { UsageError } from "./options.ts";

/** A text to learn from, and in words where it came from. */
export interface Corpus {
  readonly text: string;
  readonly source: string;
  /** Why it is not the text that one would expect. */
  readonly note?: string;
}

const tinyShakespeare = {
  name: "tinyshakespeare.txt",
  url: "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
  sha256: "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
};

/** The file that the user named; else tiny Shakespeare, downloaded once; else, without a network, generated plays. */
export async function findCorpus(file: string | undefined): Promise<Corpus> {
  if (file !== undefined) return { text: await readText(file), source: basename(file) };
  const path = await download(tinyShakespeare);
  return path === undefined ? madeUpCorpus() : { text: await readText(path), source: "tiny Shakespeare" };
}

/**
 * The text that an earlier run learned from, wherever it lies now.
 * @throws UsageError if it is not there, or not the same any more
 */
export async function findSameCorpus(file: string | undefined, sha256: string): Promise<Corpus> {
  const candidates = file === undefined ? [madeUpCorpus, () => findCorpus(undefined)] : [() => findCorpus(file)];
  if (file !== undefined && !existsSync(file)) {
    throw new UsageError(`${file}, which the run learned from, does not exist. Has it moved? Name it with --data.`);
  }
  for (const find of candidates) {
    const corpus = await find();
    if (textHash(corpus) === sha256) return corpus;
  }
  throw new UsageError(
    `${file ?? "Tiny Shakespeare"} is not the text that the run learned from: that was another one, or it has changed since.`,
  );
}

/** Tells one text from another. */
export const textHash = ({ text }: Corpus): string => createHash("sha256").update(text).digest("hex");

const madeUpCorpus = (): Corpus => ({
  text: generatedPlays(400_000, 1),
  source: "generated plays",
  note: `Tiny Shakespeare is not in ${cacheFolder()} and could not be downloaded: learning from made-up plays instead.`,
});
