import type { TokenSource } from "./token-source.ts";

/** Stretches that are looked at, and tokens in each: 128 KB of reading however long the source is. */
const STRETCHES = 256;
const STRETCH_LENGTH = 256;

/**
 * What tells one source of tokens from another without reading it all: its length, and an FNV-1a hash of stretches
 * from its beginning to its end. Up to 65,536 tokens that is every token.
 */
export function identify(tokens: TokenSource): { length: number; fingerprint: number } {
  let hash = 0x811c9dc5;
  for (const start of stretchStarts(tokens.length)) {
    const end = Math.min(tokens.length, start + STRETCH_LENGTH);
    for (const id of tokens.read(start, end)) hash = Math.imul(hash ^ id, 0x01000193);
  }
  return { length: tokens.length, fingerprint: hash >>> 0 };
}

/** Side by side where that covers all, else evenly spread, the last one at the end. */
function stretchStarts(length: number): number[] {
  const last = Math.max(0, length - STRETCH_LENGTH);
  const count = Math.min(STRETCHES, Math.ceil(length / STRETCH_LENGTH));
  return Array.from({ length: count }, (_, i) => (count === 1 ? 0 : Math.floor((last * i) / (count - 1))));
}
