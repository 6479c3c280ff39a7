import type { TokenId } from "../tokenizer.ts";

/** The ids of `<0x00>` … `<0xFF>`, which spell characters that a vocabulary lacks; undefined unless all are there. */
export function byteTokens(vocabulary: ReadonlyMap<string, TokenId>): readonly TokenId[] | undefined {
  const ids = Array.from({ length: 256 }, (_, byte) => vocabulary.get(byteToken(byte)) ?? -1);
  return ids.includes(-1) ? undefined : ids;
}

export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}
