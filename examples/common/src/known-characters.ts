import type { Tokenizer } from "@tessera-lm/tokenizer";

/** Where the known characters of a text begin and end. */
function* places(text: string, known: ReadonlySet<string>): Generator<number> {
  let end = 0;
  for (const character of text) {
    const start = end;
    end += character.length;
    if (known.has(character)) yield* [start, end];
  }
}

/**
 * A character tokenizer that passes over the characters it does not know instead of refusing the text: what a model of
 * single characters needs to read a text that it was not made for. Every other tokenizer is returned as it is.
 */
export function passingOverUnknown(tokenizer: Tokenizer): Tokenizer {
  const known = new Set(Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.decode([id])));
  if ([...known].some((token) => [...token].length !== 1)) return tokenizer;
  const encode: Tokenizer["encode"] = (text, options) =>
    tokenizer.encode([...text].filter((character) => known.has(character)).join(""), options);
  return {
    vocabSize: tokenizer.vocabSize,
    specialTokens: tokenizer.specialTokens,
    encode,
    encodeWithOffsets: (text, options) => ({
      ids: encode(text, options),
      offsets: Uint32Array.from(places(text, known)),
    }),
    decode: (ids, options) => tokenizer.decode(ids, options),
    token: (id) => tokenizer.token(id),
    tokenId: (token) => tokenizer.tokenId(token),
  };
}
