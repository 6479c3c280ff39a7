import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import { PairTable } from "./pair-table.ts";
import type { TokenIndex } from "./token-index.ts";

/** Two tokens that merge into the one that their spellings make together. */
export type Merge = readonly [left: string, right: string];

/** The rank of a pair that does not merge: after all others. */
export const NO_RANK: number = 2 ** 31 - 1;

/** Which two tokens merge, into what, and before which others. */
export interface MergeRules {
  /** The rank of a pair, lower merges earlier; {@link NO_RANK} if the two do not merge. */
  rank(left: TokenId, right: TokenId): number;
  /** The token that a pair of this rank becomes. */
  merged(rank: number): TokenId;
}

/** A list of merges, first come first. */
export class ListedMerges implements MergeRules {
  private readonly ranks: PairTable;
  private readonly tokens: Int32Array; // by rank

  /**
   * @param ranks of each merge, for merges that make the same token and are equals; default: the place in the list
   * @throws MalformedTokenizerError if the vocabulary lacks a token, or a merge stands twice
   */
  constructor(vocabulary: ReadonlyMap<string, TokenId>, merges: readonly Merge[], ranks?: ArrayLike<number>) {
    this.ranks = new PairTable(merges.length);
    this.tokens = new Int32Array(merges.length);
    merges.forEach(([left, right], index) => {
      const rank = ranks === undefined ? index : (ranks[index] as number);
      const leftId = vocabulary.get(left) ?? missing(index, left);
      const rightId = vocabulary.get(right) ?? missing(index, right);
      const isNew = this.ranks.add(leftId, rightId, rank);
      this.tokens[rank] = vocabulary.get(left + right) ?? missing(index, left + right);
      if (!isNew)
        throw new MalformedTokenizerError(`merge ${index} (${left} ${right})`, "the same pair stands further up.");
    });
  }

  rank(left: TokenId, right: TokenId): number {
    return this.ranks.get(left, right) ?? NO_RANK;
  }

  merged(rank: number): TokenId {
    return this.tokens[rank] as TokenId;
  }
}

/**
 * tiktoken's rule: two tokens merge if a token has the bytes of both, and its id is the rank. Two ways to make the same
 * token are equals.
 */
export class ImpliedMerges implements MergeRules {
  private readonly tokens: TokenIndex;
  /** What was asked lately: left, right, rank, unused. Few pairs are most of those that words are made of. */
  private readonly recent = new Int32Array(4 * RECENT).fill(-1);

  constructor(tokens: TokenIndex) {
    this.tokens = tokens;
  }

  rank(left: TokenId, right: TokenId): number {
    const { recent } = this;
    const place = (Math.imul(Math.imul(left, 0x9e3779b1) + right, 0x85ebca6b) >>> RECENT_SHIFT) << 2;
    if (recent[place] === left && recent[place + 1] === right) return recent[place + 2] as number;
    const id = this.tokens.findJoined(left, right);
    const rank = id < 0 ? NO_RANK : id;
    recent[place] = left;
    recent[place + 1] = right;
    recent[place + 2] = rank;
    return rank;
  }

  merged(rank: number): TokenId {
    return rank;
  }
}

/** As many as stay in the processor's cache. */
const RECENT = 2 ** 13;
const RECENT_SHIFT = 32 - 13;

/** All merges that tiktoken's rule implies: every way to cut a token into two tokens, lowest merged id first. */
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

function missing(rank: number, token: string): never {
  throw new MalformedTokenizerError(`merge ${rank}`, `token ${JSON.stringify(token)} is not in the vocabulary.`);
}
