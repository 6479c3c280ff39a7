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
      const id = (token: string): TokenId => vocabulary.get(token) ?? missing(index, token);
      const rank = ranks?.[index] ?? index;
      const isNew = this.ranks.add(id(left), id(right), rank);
      this.tokens[rank] = id(left + right);
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

  constructor(tokens: TokenIndex) {
    this.tokens = tokens;
  }

  rank(left: TokenId, right: TokenId): number {
    const id = this.tokens.findJoined(left, right);
    return id < 0 ? NO_RANK : id;
  }

  merged(rank: number): TokenId {
    return rank;
  }
}

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
