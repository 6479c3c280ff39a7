import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { findCorpus, UsageError } from "@tessera-examples/common";
import { type SplitPatterns, splitPatterns, type Tokenizer, tokenizerFromTiktoken } from "@tessera-lm/tokenizer";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import { trainBytePair } from "@tessera-lm/tokenizer/train";

/** A tokenizer and what to call it. */
export interface Vocabulary {
  readonly name: string;
  readonly tokenizer: Tokenizer;
}

/**
 * Small vocabularies, learned here and now: two, if the text has enough to learn for the larger one. They show what
 * size does, and what a text of one language does.
 */
export async function trainedVocabularies(data: string | undefined): Promise<Vocabulary[]> {
  const { text } = await findCorpus(data);
  const small = trainBytePair([text], { vocabSize: 1000 });
  const large = trainBytePair([text], { vocabSize: 8000 });
  const tokenizers = small.vocabSize === large.vocabSize ? [small] : [small, large];
  return tokenizers.map((tokenizer) => ({ name: `learned here, ${tokenizer.vocabSize}`, tokenizer }));
}

/** What could be read of a folder of tokenizers, and why not the others. */
export interface FoundVocabularies {
  readonly vocabularies: readonly Vocabulary[];
  readonly problems: readonly string[];
}

/** The tokenizers in a folder: its folders as `loadTokenizer` reads them, and `.tiktoken` files. */
export async function findVocabularies(folder: string): Promise<FoundVocabularies> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => {
    throw new UsageError(`${folder} is not a folder that can be read; give one that holds folders of tokenizers.`);
  });
  const paths = entries
    .filter((entry) => entry.isDirectory() || entry.name.endsWith(".tiktoken"))
    .map((entry) => join(entry.parentPath, entry.name));
  const vocabularies: Vocabulary[] = [];
  const problems: string[] = [];
  for (const path of paths.sort()) {
    try {
      vocabularies.push({ name: nameOf(path), tokenizer: await load(path) });
    } catch (error) {
      if ((error as Error).name !== "MissingTokenizerError")
        problems.push(`${nameOf(path)}: ${(error as Error).message}`);
    }
  }
  return { vocabularies: vocabularies.sort((a, b) => a.tokenizer.vocabSize - b.tokenizer.vocabSize), problems };
}

const nameOf = (path: string): string => basename(path, ".tiktoken").replace(/_base$/, "");

async function load(path: string): Promise<Tokenizer> {
  if (!path.endsWith(".tiktoken")) return loadTokenizer(path);
  const pattern = splitPatterns[nameOf(path) as keyof SplitPatterns];
  if (pattern === undefined) throw new UsageError("only cl100k and o200k are known to cut text in which way");
  return tokenizerFromTiktoken(await readFile(path, "utf8"), { pattern });
}
