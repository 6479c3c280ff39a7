import { type BytePairDefinition, BytePairTokenizer } from "../byte-pair/bpe.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import type { TokenId, Tokenizer } from "../tokenizer.ts";

/** What a tokenizer is made of, for a format that holds byte-level BPE only. @throws UnsupportedTokenizerError */
export function definitionFor(format: string, tokenizer: Tokenizer): BytePairDefinition {
  if (tokenizer instanceof BytePairTokenizer) return tokenizer.definition;
  const feature = `tokenizer ${tokenizer.constructor.name} for ${format}`;
  throw new UnsupportedTokenizerError(feature, "only byte-pair tokenizers can be written so.");
}

/** Ordinary and special tokens by name, in the order of their ids. @throws UnsupportedTokenizerError if two share one */
export function allTokens({ vocabulary, specialTokens = new Map() }: BytePairDefinition): Record<string, TokenId> {
  for (const name of specialTokens.keys()) {
    if (!vocabulary.has(name)) continue;
    const feature = `special token ${JSON.stringify(name)}`;
    throw new UnsupportedTokenizerError(
      feature,
      "an ordinary token is spelled alike, and the file has one entry for both.",
    );
  }
  return Object.fromEntries([...vocabulary, ...specialTokens].sort(([, a], [, b]) => a - b));
}

/** A token that stands for its exact text, as `added_tokens` has it. */
export function describeAddedToken(content: string, id: TokenId, special = true): object {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special };
}
