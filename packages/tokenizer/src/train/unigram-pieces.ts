import { Trie } from "../models/trie.ts";
import { UNKNOWN_PENALTY } from "../models/unigram.ts";
import type { UnigramWords } from "./unigram-words.ts";

/** Pieces with their scores (log probabilities). Piece 0 stands for an unknown character and has no text. */
export interface Pieces {
  readonly size: number;
  /** Where a piece stands in the words. */
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  readonly scores: Float64Array;
}

/** The pieces of a model in a tree, ready to find those that a text contains. */
export class PieceFinder {
  pieces: Pieces;
  /** The score of an unknown character. */
  unknownScore = 0;
  readonly trie: Trie = new Trie();
  readonly root: number = this.trie.addRoot();
  private readonly words: UnigramWords;

  constructor(words: UnigramWords, pieces: Pieces) {
    this.words = words;
    this.pieces = pieces;
    this.use(pieces);
  }

  /** Goes over to other pieces. */
  use(pieces: Pieces): void {
    const { trie, words } = this;
    this.pieces = pieces;
    trie.ids.fill(-1);
    for (let piece = 1; piece < pieces.size; piece++) {
      const start = pieces.starts[piece] as number;
      const end = start + (pieces.lengths[piece] as number);
      let node = this.root;
      for (let i = start; i < end; i++) node = trie.childOrNew(node, words.codes[i] as number);
      trie.ids[node] = piece;
    }
    this.unknownScore = leastScore(pieces) - UNKNOWN_PENALTY;
  }
}

/** The score of the least probable piece. */
export function leastScore({ size, scores }: Pieces): number {
  let least = Number.POSITIVE_INFINITY;
  for (let piece = 1; piece < size; piece++) least = Math.min(least, scores[piece] as number);
  return least;
}

/** Some of the pieces, in the order of the list, with scores of their own. */
export function choosePieces(from: Pieces, chosen: readonly number[], score: (piece: number) => number): Pieces {
  return {
    size: chosen.length,
    starts: Int32Array.from(chosen, (piece) => from.starts[piece] as number),
    lengths: Int32Array.from(chosen, (piece) => from.lengths[piece] as number),
    scores: Float64Array.from(chosen, score),
  };
}
