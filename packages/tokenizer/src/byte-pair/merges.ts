import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import { PairTable } from "./pair-table.ts";

/** Two tokens that merge into the one that their spellings make together. */
export type Merge = readonly [left: string, right: string];

/**
 * The merges that tiktoken's rule implies: every way to cut a token into two tokens, lowest merged id first.
 * tiktoken merges by the rank of the joined bytes, so all these pairs may merge, not only the trained one.
 */
export function impliedMerges(vocabulary: ReadonlyMap<string, TokenId>): Merge[] {
  const merges: Merge[] = [];
  for (const [token] of [...vocabulary].sort(([, a], [, b]) => a - b)) {
    for (let cut = 1; cut < token.length; cut++) {
      const [left, right] = [token.slice(0, cut), token.slice(cut)];
      if (vocabulary.has(left) && vocabulary.has(right)) merges.push([left, right]);
    }
  }
  return merges;
}

/**
 * Indexes the merges by pair of ids. The rank of a listed merge is its place in the list; of an implied one, its
 * merged id: two ways to make the same token are equals.
 */
export function buildPairTable(vocabulary: ReadonlyMap<string, TokenId>, listed?: readonly Merge[]): PairTable {
  const merges = listed ?? impliedMerges(vocabulary);
  const table = new PairTable(merges.length);
  merges.forEach(([left, right], index) => {
    const merged = vocabulary.get(left + right);
    const [leftId, rightId] = [vocabulary.get(left), vocabulary.get(right)];
    if (leftId === undefined) throw unknownToken(index, left);
    if (rightId === undefined) throw unknownToken(index, right);
    if (merged === undefined) throw unknownToken(index, left + right);
    const isNew = table.add(leftId, rightId, listed ? index : merged, merged);
    if (!isNew)
      throw new MalformedTokenizerError(`merge ${index} (${left} ${right})`, "the same pair stands further up.");
  });
  return table;
}

function unknownToken(mergeIndex: number, token: string): MalformedTokenizerError {
  return new MalformedTokenizerError(`merge ${mergeIndex}`, `token ${JSON.stringify(token)} is not in the vocabulary.`);
}
