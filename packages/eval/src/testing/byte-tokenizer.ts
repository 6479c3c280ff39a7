import type { Tokenizer } from "@tessera-lm/tokenizer";

/** One id per UTF-8 byte. */
export const byteTokenizer: Tokenizer = {
  vocabSize: 256,
  specialTokens: new Map(),
  encode: (text) => Uint32Array.from(new TextEncoder().encode(text)),
  encodeWithOffsets: () => {
    throw new TypeError("these tests ask for no offsets");
  },
  decode: (ids) => new TextDecoder().decode(Uint8Array.from(ids)),
  token: (id) => (id >= 0 && id < 256 ? String.fromCharCode(id) : undefined),
  tokenId: (token) => (token.length === 1 && token < "\u0100" ? token.charCodeAt(0) : undefined),
};
