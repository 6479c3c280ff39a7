import { type BytePairDefinition, BytePairTokenizer } from "../byte-pair/bpe.ts";
import { impliedMerges, type Merge } from "../byte-pair/merges.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import { CharacterTokenizer } from "../models/character.ts";
import { byteLevelCore, PipelineTokenizer } from "../pipeline.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";
import { allTokens, describeAddedToken } from "./definition.ts";

/**
 * A tokenizer as Hugging Face's `tokenizer.json`, which `tokenizers` and `transformers` open and encode alike.
 * A character tokenizer is written as a BPE model without merges, without pre-tokenizer and with decoder `Fuse`.
 *
 * @throws UnsupportedTokenizerError for a tokenizer that this package did not make, or where a special token is spelled
 *   as an ordinary one
 */
export function tokenizerToJson(tokenizer: Tokenizer): string {
  return `${JSON.stringify(describeTokenizer(tokenizer), null, 2)}\n`;
}

/** What `tokenizer.json` holds, as an object. @throws UnsupportedTokenizerError */
export function describeTokenizer(tokenizer: Tokenizer): object {
  if (tokenizer instanceof BytePairTokenizer) return describeBytePairs(tokenizer.definition);
  if (tokenizer instanceof CharacterTokenizer) return describeCharacters(tokenizer);
  if (tokenizer instanceof PipelineTokenizer) {
    const nothing = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
    const core = tokenizer.definition[byteLevelCore];
    const { post_processor } = tokenizer.definition;
    if (core !== undefined) return { ...describeBytePairs(core.definition), post_processor };
    return { version: "1.0", truncation: null, padding: null, ...nothing, ...tokenizer.definition };
  }
  throw new UnsupportedTokenizerError(`tokenizer ${tokenizer.constructor.name}`, "those of this package can be saved.");
}

function describeBytePairs(definition: BytePairDefinition): object {
  const { vocabulary, merges, pattern, specialTokens, ignoreMerges } = definition;
  return file({
    addedTokens: [...(specialTokens ?? [])]
      .sort(([, a], [, b]) => a - b)
      .map(([name, id]) => describeAddedToken(name, id)),
    preTokenizer: describePattern(pattern),
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    vocabulary: allTokens(definition),
    merges: merges ?? impliedMerges(vocabulary),
    ignoreMerges: ignoreMerges ?? false,
  });
}

function describeCharacters(tokenizer: CharacterTokenizer): object {
  return file({
    addedTokens: [],
    preTokenizer: null,
    decoder: { type: "Fuse" },
    vocabulary: Object.fromEntries(tokenizer.characters.map((character, id) => [character, id])),
    merges: [],
    ignoreMerges: false,
  });
}

interface Parts {
  readonly addedTokens: readonly object[];
  readonly preTokenizer: object | null;
  readonly decoder: object;
  readonly vocabulary: Readonly<Record<string, TokenId>>;
  readonly merges: readonly Merge[];
  readonly ignoreMerges: boolean;
}

/** The keys, their order and their defaults as Hugging Face's library writes them. */
function file(parts: Parts): object {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: parts.addedTokens,
    normalizer: null,
    pre_tokenizer: parts.preTokenizer,
    post_processor: null,
    decoder: parts.decoder,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: parts.ignoreMerges,
      vocab: parts.vocabulary,
      merges: parts.merges,
    },
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
