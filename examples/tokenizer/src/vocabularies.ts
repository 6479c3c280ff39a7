import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { findCorpus, UsageError } from "@tessera-examples/common";
import {
  InvalidPatternError,
  MalformedTokenizerError,
  type Tokenizer,
  UnsupportedTokenizerError,
} from "@tessera-lm/tokenizer";
import { loadTokenizer, MissingTokenizerError } from "@tessera-lm/tokenizer/node";
import { trainBytePair, truncateVocabulary } from "@tessera-lm/tokenizer/train";

/** A tokenizer and what to call it. */
export interface Vocabulary {
  readonly name: string;
  readonly tokenizer: Tokenizer;
}

/**
 * Small vocabularies, learned here and now: two, if the text has enough to learn for the larger one. They show what
 * size does, and what a text of one language does.
 * @param say gets what there is to know of the text
 */
export async function trainedVocabularies(
  data: string | undefined,
  say: (line: string) => void,
): Promise<Vocabulary[]> {
  const { text, note } = await findCorpus(data);
  if (note !== undefined) say(note);
  const large = trainBytePair([text], { vocabSize: 8000 });
  const tokenizers = large.vocabSize <= 1000 ? [large] : [truncateVocabulary(large, 1000), large];
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
      vocabularies.push({ name: nameOf(path), tokenizer: await loadTokenizer(path) });
    } catch (error) {
      if (error instanceof MissingTokenizerError) continue; // a folder of folders, or of other files
      if (!refusals.some((refusal) => error instanceof refusal)) throw error;
      problems.push(`${nameOf(path)}: ${(error as Error).message}`);
    }
  }
  return { vocabularies: vocabularies.sort((a, b) => a.tokenizer.vocabSize - b.tokenizer.vocabSize), problems };
}

/** What is wrong with a file, not with this program. */
const refusals = [MalformedTokenizerError, UnsupportedTokenizerError, InvalidPatternError] as const;

const nameOf = (path: string): string => basename(path, ".tiktoken").replace(/_base$/, "");
