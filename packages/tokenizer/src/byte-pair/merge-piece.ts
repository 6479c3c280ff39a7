import { mergeLongPiece } from "./merge-long-piece.ts";
import { type MergeRules, NO_RANK } from "./merges.ts";

/** Up to here it is fastest to look at all pairs again after every merge. */
const SHORT = 100;

/**
 * Byte-pair encoding of one piece: merges the pair of lowest rank, the leftmost among equals, until none is left.
 * @param ids begins with the piece's `count` ids of bytes; afterwards with the ids of its tokens
 * @returns how many tokens there are
 */
export function mergePiece(ids: Int32Array, count: number, rules: MergeRules): number {
  return count <= SHORT ? mergeShortPiece(ids, count, rules) : mergeLongPiece(ids, count, rules);
}

/** The rank of each part with the next one. Shared, so that a piece takes no allocation. */
const ranks: Int32Array = new Int32Array(SHORT);

function mergeShortPiece(ids: Int32Array, count: number, rules: MergeRules): number {
  let last = count - 1;
  for (let i = 0; i < last; i++) ranks[i] = rules.rank(ids[i] as number, ids[i + 1] as number);
  for (;;) {
    let at = 0;
    let lowest = NO_RANK;
    for (let i = 0; i < last; i++) {
      const rank = ranks[i] as number;
      if (rank < lowest) {
        lowest = rank;
        at = i;
      }
    }
    if (lowest === NO_RANK) return last + 1;
    const merged = rules.merged(lowest);
    ids[at] = merged;
    last--;
    for (let i = at + 1; i <= last; i++) ids[i] = ids[i + 1] as number;
    for (let i = at + 1; i < last; i++) ranks[i] = ranks[i + 1] as number;
    if (at < last) ranks[at] = rules.rank(merged, ids[at + 1] as number);
    if (at > 0) ranks[at - 1] = rules.rank(ids[at - 1] as number, merged);
  }
}
