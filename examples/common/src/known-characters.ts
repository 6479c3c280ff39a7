import type { Tokenizer } from "@tessera-lm/tokenizer";

/**
 * A character tokenizer that passes over the characters it does not know instead of refusing the text: what a model of
 * single characters needs to read a text that it was not made for. Every other tokenizer is returned as it is.
 */
export function passingOverUnknown(tokenizer: Tokenizer): Tokenizer {
  const known = new Set(Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.decode([id])));
  if ([...known].some((token) => [...token].length !== 1)) return tokenizer;
  return {
    vocabSize: tokenizer.vocabSize,
    specialTokens: tokenizer.specialTokens,
    encode: (text, options) =>
      tokenizer.encode([...text].filter((character) => known.has(character)).join(""), options),
    decode: (ids, options) => tokenizer.decode(ids, options),
    token: (id) => tokenizer.token(id),
    tokenId: (token) => tokenizer.tokenId(token),
  };
}
