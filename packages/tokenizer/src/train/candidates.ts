import { withRoom } from "../with-room.ts";
import type { PairCounts } from "./pair-counts.ts";

/** A pair that may merge next, and the range of positions (in an array of its owner) where it arose. */
export interface Candidate {
  readonly pair: number;
  readonly start: number;
  readonly end: number;
}

/**
 * A heap of candidates: the highest count first, among equals the smallest pair of ids. Counts that change do not
 * move their candidates; one whose count is stale when it comes up goes back with the right one.
 */
export class Candidates {
  private size = 0;
  private heap = new Int32Array(1024); // candidates
  private keys = new Float64Array(1024); // their counts when they were queued
  private numCandidates = 0;
  private fields = new Int32Array(3 * 1024); // pair, start, end of each candidate
  private readonly pairs: PairCounts;

  constructor(pairs: PairCounts) {
    this.pairs = pairs;
  }

  push(pair: number, start: number, end: number): void {
    const candidate = this.numCandidates++;
    this.fields = withRoom(this.fields, 3 * this.numCandidates);
    this.fields.set([pair, start, end], 3 * candidate);
    this.heap = withRoom(this.heap, this.size + 1);
    this.keys = withRoom(this.keys, this.size + 1);
    this.rise(this.size++, candidate, this.pairs.counts[pair] as number);
  }

  /** The best candidate, with the count of its pair up to date; undefined if there is none. */
  pop(): Candidate | undefined {
    while (this.size > 0) {
      const best = this.heap[0] as number;
      const pair = this.fields[3 * best] as number;
      const count = this.pairs.counts[pair] as number;
      if (this.keys[0] === count) {
        this.size--;
        this.sink(this.heap[this.size] as number, this.keys[this.size] as number);
        return { pair, start: this.fields[3 * best + 1] as number, end: this.fields[3 * best + 2] as number };
      }
      this.sink(best, count);
    }
    return undefined;
  }

  private rise(hole: number, candidate: number, key: number): void {
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.before(candidate, key, parent)) break;
      this.move(parent, hole);
      hole = parent;
    }
    this.heap[hole] = candidate;
    this.keys[hole] = key;
  }

  /** Puts a candidate in the place of the first and restores the order. */
  private sink(candidate: number, key: number): void {
    let hole = 0;
    for (let child = 1; child < this.size; child = 2 * hole + 1) {
      if (child + 1 < this.size && this.before(this.heap[child + 1] as number, this.keys[child + 1] as number, child))
        child++;
      if (this.before(candidate, key, child)) break;
      this.move(child, hole);
      hole = child;
    }
    this.heap[hole] = candidate;
    this.keys[hole] = key;
  }

  private move(from: number, to: number): void {
    this.heap[to] = this.heap[from] as number;
    this.keys[to] = this.keys[from] as number;
  }

  /** Whether the candidate comes before the one at `place` of the heap. */
  private before(candidate: number, key: number, place: number): boolean {
    const other = this.keys[place] as number;
    if (key !== other) return key > other;
    const a = this.fields[3 * candidate] as number;
    const b = this.fields[3 * (this.heap[place] as number)] as number;
    const [left, otherLeft] = [this.pairs.left(a), this.pairs.left(b)];
    return left !== otherLeft ? left < otherLeft : this.pairs.right(a) < this.pairs.right(b);
  }
}
