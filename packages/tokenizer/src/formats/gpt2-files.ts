import { BytePairTokenizer } from "../byte-pair/bpe.ts";
import type { Merge } from "../byte-pair/merges.ts";
import { MalformedTokenizerError, UnsupportedTokenizerError } from "../errors.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";
import { allTokens, definitionFor } from "./definition.ts";
import { parseJson, readVocabulary } from "./json.ts";

/** The contents of GPT-2's two files, and what they leave unsaid. */
export interface Gpt2Files {
  /** The text of `encoder.json` or `vocab.json`: token → id. */
  readonly encoder: string;
  /** The text of `vocab.bpe` or `merges.txt`: one merge per line, after a line `#version: …`. */
  readonly merges: string;
  /** Default: GPT-2's, see {@link splitPatterns}. */
  readonly pattern?: string;
  /** Special tokens and their ids. Default: `<|endoftext|>` if the vocabulary has it. */
  readonly specialTokens?: ReadonlyMap<string, TokenId>;
}

/**
 * The tokenizer in the files that OpenAI published with GPT-2.
 *
 * @throws MalformedTokenizerError naming the file and the line or token at fault
 */
export function tokenizerFromGpt2Files(files: Gpt2Files): BytePairTokenizer {
  const vocabulary = readVocabulary(parseJson(files.encoder, "encoder"), "encoder");
  const specialTokens = files.specialTokens ?? endOfText(vocabulary);
  for (const name of specialTokens.keys()) vocabulary.delete(name);
  const merges = readMergeLines(files.merges);
  return new BytePairTokenizer({ vocabulary, merges, pattern: files.pattern ?? splitPatterns.gpt2, specialTokens });
}

/**
 * A tokenizer as the two files that OpenAI published with GPT-2. They hold neither the split pattern nor which tokens
 * are special: whoever reads them must know, see {@link Gpt2Files}.
 *
 * @throws UnsupportedTokenizerError where merges alone do not say how the tokenizer encodes (characters; ranks)
 */
export function tokenizerToGpt2Files(tokenizer: Tokenizer): Pick<Gpt2Files, "encoder" | "merges"> {
  const definition = definitionFor("GPT-2's files", tokenizer);
  if (definition.merges === undefined || definition.ignoreMerges) {
    const supported = "GPT-2's files hold a list of merges only. Write tokenizer.json or .tiktoken ranks.";
    throw new UnsupportedTokenizerError("look-up of whole pieces before merging", supported);
  }
  const lines = definition.merges.map(([left, right]) => `${left} ${right}\n`);
  return { encoder: JSON.stringify(allTokens(definition)), merges: `#version: 0.2\n${lines.join("")}` };
}

function endOfText(vocabulary: ReadonlyMap<string, TokenId>): ReadonlyMap<string, TokenId> {
  const id = vocabulary.get("<|endoftext|>");
  return new Map(id === undefined ? [] : [["<|endoftext|>", id]]);
}

export function readMergeLines(text: string): Merge[] {
  const merges: Merge[] = [];
  text.split("\n").forEach((ended, index) => {
    const line = ended.endsWith("\r") ? ended.slice(0, -1) : ended;
    if (line === "" || (index === 0 && line.startsWith("#version"))) return;
    const space = line.indexOf(" ");
    if (space <= 0 || space === line.length - 1 || line.includes(" ", space + 1)) {
      const problem = `expected two tokens, found ${JSON.stringify(line)}.`;
      throw new MalformedTokenizerError(`merges, line ${index + 1}`, problem);
    }
    merges.push([line.slice(0, space), line.slice(space + 1)]);
  });
  return merges;
}
