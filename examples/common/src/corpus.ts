import { basename } from "node:path";
import { readText } from "@tessera-lm/data/node";
import { cacheFolder, download } from "./cache.ts";
import { generatedPlays } from "./generated-plays.ts";

/** A text to learn from, and in words where it came from. */
export interface Corpus {
  readonly text: string;
  readonly source: string;
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
  if (path !== undefined) return { text: await readText(path), source: "tiny Shakespeare" };
  return {
    text: generatedPlays(400_000, 1),
    source: `generated plays (tiny Shakespeare is not in ${cacheFolder()} and could not be downloaded)`,
  };
}
