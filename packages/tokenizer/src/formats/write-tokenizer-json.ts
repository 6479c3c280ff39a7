import { type BytePairDefinition, BytePairTokenizer } from "../byte-pair/bpe.ts";
import { impliedMerges } from "../byte-pair/merges.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import { CharacterTokenizer } from "../models/character.ts";
import { byteLevelCore, PipelineTokenizer } from "../pipeline.ts";
import { SENTENCE_PIECE } from "../sentence-piece.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { Tokenizer } from "../tokenizer.ts";
import { allTokens, describeAddedToken, describeBpe } from "./definition.ts";

/**
 * A tokenizer as Hugging Face's `tokenizer.json`, which `tokenizers` and `transformers` open and encode alike.
 * A character tokenizer is written as a BPE model without merges, without pre-tokenizer and with decoder `Fuse`.
 *
 * @throws UnsupportedTokenizerError for a tokenizer that this package did not make, or where a special token is spelled
 *   as an ordinary one
 */
export function tokenizerToJson(tokenizer: Tokenizer): string {
  const describe = (key: string, value: unknown): unknown =>
    key === SENTENCE_PIECE && typeof value === "object" ? undefined : value; // a token may have that name
  return `${JSON.stringify(describeTokenizer(tokenizer), describe, 2)}\n`;
}

/** What `tokenizer.json` holds, as an object. @throws UnsupportedTokenizerError */
export function describeTokenizer(tokenizer: Tokenizer): object {
  if (tokenizer instanceof BytePairTokenizer) return describeBytePairs(tokenizer.definition);
  if (tokenizer instanceof CharacterTokenizer) return describeCharacters(tokenizer);
  if (tokenizer instanceof PipelineTokenizer) {
    const { definition } = tokenizer;
    const core = definition[byteLevelCore];
    if (core === undefined) return file(definition);
    return { ...describeBytePairs(core.definition), post_processor: definition.post_processor };
  }
  throw new UnsupportedTokenizerError(`tokenizer ${tokenizer.constructor.name}`, "those of this package can be saved.");
}

function describeBytePairs(definition: BytePairDefinition): object {
  const { vocabulary, merges, pattern, specialTokens = new Map(), ignoreMerges = false } = definition;
  const byId = [...specialTokens].sort(([, a], [, b]) => a - b);
  return file({
    added_tokens: byId.map(([name, id]) => describeAddedToken(name, id)),
    pre_tokenizer: describePattern(pattern),
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: describeBpe({
      ignore_merges: ignoreMerges,
      vocab: allTokens(definition),
      merges: merges ?? impliedMerges(vocabulary),
    }),
  });
}

function describeCharacters({ characters }: CharacterTokenizer): object {
  const vocab = Object.fromEntries(characters.map((character, id) => [character, id]));
  return file({ decoder: { type: "Fuse" }, model: describeBpe({ vocab, merges: [] }) });
}

/** The keys, their order and their defaults as Hugging Face's library writes them. */
function file(entries: object): object {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...entries,
  };
}

function describePattern(pattern: string | null): object {
  if (pattern === null) return byteLevel(false);
  if (pattern === splitPatterns.gpt2) return byteLevel(true);
  const split = { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false };
  return { type: "Sequence", pretokenizers: [split, byteLevel(false)] };
}

function byteLevel(useRegex: boolean): object {
  return { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: useRegex };
}
