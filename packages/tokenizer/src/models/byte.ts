import { requireList } from "../arguments.ts";
import { byteCharacters } from "../byte-alphabet.ts";
import { BytePairTokenizer } from "../byte-pair/bpe.ts";

/**
 * One id per byte of UTF-8, the byte itself, and after them, from 256, one per special token (ByT5, Xue et al. 2022, has
 * its special tokens first). It is byte-level BPE without a merge, and saved as such.
 */
export function byteTokenizer(specialTokens: readonly string[] = []): BytePairTokenizer {
  requireList("specialTokens", specialTokens, "a list of names");
  return new BytePairTokenizer({
    vocabulary: new Map(byteCharacters.map((character, byte) => [character, byte])),
    merges: [],
    pattern: null,
    specialTokens: new Map([...new Set(specialTokens)].map((name, index) => [name, 256 + index])),
  });
}
