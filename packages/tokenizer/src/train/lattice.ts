import { withRoom } from "../with-room.ts";
import type { PieceFinder } from "./unigram-pieces.ts";

/** No node. */
const NONE = -1;

/**
 * All ways to cut one text into pieces. Nodes are the pieces in it, ordered by where they begin, then by length. One
 * lattice serves for one text after the other.
 */
export class Lattice {
  private length = 0;
  private numNodes = 0;
  private ends = new Int32Array(64);
  private pieces = new Int32Array(64);
  private scores = new Float64Array(64);
  /** By position: the first node that begins there. */
  private firsts = new Int32Array(64);
  private begins = new Int32Array(64);
  /** By position: log of the summed probability of all ways to come there, and of all ways on from there. */
  private forward = new Float64Array(64);
  private backward = new Float64Array(64);
  /** By node: the score of the best way to its end, and the node before it on that way. */
  private sums = new Float64Array(64);
  private before = new Int32Array(64);
  /** By position: the first and the last node that ends there; by node: the next one that ends where it ends. */
  private firstEnding = new Int32Array(64);
  private lastEnding = new Int32Array(64);
  private nextEnding = new Int32Array(64);

  /** Finds the pieces in `codes[start]`, …; a character that is no piece becomes the unknown piece 0. */
  fill(finder: PieceFinder, codes: Int32Array, start: number, length: number): void {
    const { trie } = finder;
    const { scores } = finder.pieces;
    this.length = length;
    this.numNodes = 0;
    this.firsts = withRoom(this.firsts, length + 1);
    for (let begin = 0; begin < length; begin++) {
      this.firsts[begin] = this.numNodes;
      let isKnown = false;
      for (let end = begin, node = finder.root; end < length; end++) {
        node = trie.child(node, codes[start + end] as number);
        if (node === 0) break;
        const piece = trie.ids[node] as number;
        if (piece < 0) continue;
        this.addNode(begin, end + 1, piece, scores[piece] as number);
        if (end === begin) isKnown = true;
      }
      if (!isKnown) this.addNode(begin, begin + 1, 0, finder.unknownScore);
    }
    this.firsts[length] = this.numNodes;
  }

  /**
   * Adds to `expected[piece]` how often each piece is to be expected in the text, times `weight`: forward and backward
   * over all ways to cut.
   */
  expect(weight: number, expected: Float64Array): void {
    this.sumForward();
    this.sumBackward();
    const { forward, backward } = this;
    const total = forward[this.length] as number;
    for (let node = 0; node < this.numNodes; node++) {
      const [begin, end] = [this.begins[node] as number, this.ends[node] as number];
      const score = (forward[begin] as number) + (this.scores[node] as number) + (backward[end] as number) - total;
      (expected[this.pieces[node] as number] as number) += weight * Math.exp(score);
    }
  }

  /** The best way to cut: its pieces in order, and its score. `excluded` may not be among the pieces. */
  best(excluded = -1): { pieces: number[]; score: number } {
    this.firstEnding = withRoom(this.firstEnding, this.length + 1).fill(NONE, 0, this.length + 1);
    this.lastEnding = withRoom(this.lastEnding, this.length + 1);
    for (let node = 0; node < this.numNodes; node++) {
      if (this.pieces[node] === excluded) continue;
      const score = this.scores[node] as number;
      const before = this.bestEnding(this.begins[node] as number, score);
      this.before[node] = before;
      this.sums[node] = score + this.sumTo(before);
      this.noteEnding(node);
    }
    const last = this.bestEnding(this.length, 0);
    const pieces: number[] = [];
    for (let node = last; node !== NONE; node = this.before[node] as number) pieces.push(this.pieces[node] as number);
    return { pieces: pieces.reverse(), score: this.sumTo(last) };
  }

  /**
   * The node at the end of the best way to a position. The score of the node after it does not matter, but for
   * rounding: of two ways that are equally good, the reference takes the one whose sum comes out larger.
   */
  private bestEnding(position: number, scoreAfter: number): number {
    let best = NONE;
    let most = Number.NEGATIVE_INFINITY;
    for (let node = this.firstEnding[position] as number; node !== NONE; node = this.nextEnding[node] as number) {
      const sum = (this.sums[node] as number) + scoreAfter;
      if (sum <= most) continue;
      most = sum;
      best = node;
    }
    return best;
  }

  private sumTo(node: number): number {
    return node === NONE ? 0 : (this.sums[node] as number);
  }

  private noteEnding(node: number): void {
    const end = this.ends[node] as number;
    this.nextEnding[node] = NONE;
    if (this.firstEnding[end] === NONE) this.firstEnding[end] = node;
    else this.nextEnding[this.lastEnding[end] as number] = node;
    this.lastEnding[end] = node;
  }

  private addNode(begin: number, end: number, piece: number, score: number): void {
    const node = this.numNodes++;
    if (node === this.begins.length) this.makeRoom();
    this.begins[node] = begin;
    this.ends[node] = end;
    this.pieces[node] = piece;
    this.scores[node] = score;
  }

  private makeRoom(): void {
    this.begins = withRoom(this.begins, this.numNodes);
    this.ends = withRoom(this.ends, this.numNodes);
    this.pieces = withRoom(this.pieces, this.numNodes);
    this.scores = withRoom(this.scores, this.numNodes);
    this.sums = withRoom(this.sums, this.numNodes);
    this.before = withRoom(this.before, this.numNodes);
    this.nextEnding = withRoom(this.nextEnding, this.numNodes);
  }

  private sumForward(): void {
    this.forward = withRoom(this.forward, this.length + 1).fill(Number.NEGATIVE_INFINITY, 0, this.length + 1);
    this.forward[0] = 0;
    const { forward, begins, ends, scores } = this;
    for (let node = 0; node < this.numNodes; node++) {
      const end = ends[node] as number;
      forward[end] = logSumExp(
        forward[end] as number,
        (forward[begins[node] as number] as number) + (scores[node] as number),
      );
    }
  }

  private sumBackward(): void {
    this.backward = withRoom(this.backward, this.length + 1);
    const { backward, ends, scores, firsts } = this;
    backward[this.length] = 0;
    for (let begin = this.length - 1; begin >= 0; begin--) {
      let sum = Number.NEGATIVE_INFINITY;
      for (let node = firsts[begin] as number; node < (firsts[begin + 1] as number); node++) {
        sum = logSumExp(sum, (scores[node] as number) + (backward[ends[node] as number] as number));
      }
      backward[begin] = sum;
    }
  }
}

/** ln(eᵃ + eᵇ); where one is e⁵⁰ times the other, the larger. */
function logSumExp(a: number, b: number): number {
  const [least, most] = a > b ? [b, a] : [a, b];
  return most > least + 50 ? most : most + Math.log(Math.exp(least - most) + 1);
}
