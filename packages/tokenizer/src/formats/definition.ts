import { type BytePairDefinition, BytePairTokenizer } from "../byte-pair/bpe.ts";
import { UnsupportedTokenizerError } from "../errors.ts";
import type { Part } from "../parts.ts";
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

/** A BPE model with the keys, their order and their defaults as Hugging Face's library writes them. */
export function describeBpe(settings: object): Part {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    ...settings,
  };
}

type Token = readonly [name: string, id: TokenId];

/** What `addSpecialTokens` puts before and after a text, and each of a pair of texts. */
export function describeTemplate(begin: Token | undefined, end: Token | undefined): Part {
  const special = (token: Token | undefined, type_id: number): object[] =>
    token === undefined ? [] : [{ SpecialToken: { id: token[0], type_id } }];
  const around = (id: string, type_id: number): object[] => [
    ...special(begin, type_id),
    { Sequence: { id, type_id } },
    ...special(end, type_id),
  ];
  const single = around("A", 0);
  const tokens = [begin, end].flatMap((token) => (token === undefined ? [] : [token]));
  return {
    type: "TemplateProcessing",
    single,
    pair: [...single, ...around("B", begin === undefined ? 0 : 1)],
    special_tokens: Object.fromEntries(tokens.map(([id, token]) => [id, { id, ids: [token], tokens: [id] }])),
  };
}
