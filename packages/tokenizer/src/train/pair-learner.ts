import type { Merge } from "../byte-pair/merges.ts";
import type { TokenId } from "../tokenizer.ts";
import { withRoom } from "../with-room.ts";
import { type Candidate, Candidates } from "./candidates.ts";
import type { TrainingOptions } from "./options.ts";
import { PairCounts } from "./pair-counts.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { BORDER, type WordSymbols } from "./word-symbols.ts";

/**
 * The state of training. Counts of pairs are kept up to date instead of recounted: a merge visits only the places
 * where its pair arose.
 */
export class PairLearner {
  private readonly symbols: WordSymbols;
  private readonly vocabulary: Vocabulary;
  /** What tokens inside a word begin with, such as `##`; it vanishes when a token is joined to its left. */
  private readonly prefix: string;
  private readonly mergedPairs = new Map<number, Merge>();
  private readonly pairs = new PairCounts();
  private readonly candidates = new Candidates(this.pairs);
  /** Where the pairs of the candidates arose, range by range. */
  private places = new Int32Array(2 ** 16);
  private numPlaces = 0;
  /** The pairs that arose since candidates were queued last, in order: pair, place, pair, place, … */
  private arisen = new Int32Array(2 ** 12);
  private numArisen = 0;
  /** Work space of `groupArisen`: by pair, otherwise 0. */
  private ends = new Int32Array(2 ** 12);

  constructor(symbols: WordSymbols, vocabulary: Vocabulary, prefix = "") {
    this.symbols = symbols;
    this.vocabulary = vocabulary;
    this.prefix = prefix;
    for (let place = 1; place + 1 < symbols.length; place++) {
      const [left, right] = [symbols.ids[place] as TokenId, symbols.ids[place + 1] as TokenId];
      if (left !== BORDER && right !== BORDER) this.gain(left, right, place);
    }
    this.queueArisen();
  }

  /** Merges until the vocabulary is full or no pair is frequent enough; returns the merges in their order. */
  learn(minFrequency: number, { vocabSize, onProgress }: TrainingOptions): Merge[] {
    while (this.vocabulary.size < vocabSize && this.mergeMostFrequent(minFrequency)) {
      onProgress?.({ stage: "learn", vocabSize: this.vocabulary.size, targetVocabSize: vocabSize });
    }
    return [...this.mergedPairs.values()];
  }

  /** Merges the most frequent pair everywhere; false if no pair is frequent enough. */
  private mergeMostFrequent(minFrequency: number): boolean {
    const best = this.candidates.pop();
    if (best === undefined || (this.pairs.counts[best.pair] as number) < Math.max(1, minFrequency)) return false;
    const merged = this.recordMerge(best.pair);
    this.mergeInPlaces(best, merged);
    this.queueArisen();
    return true;
  }

  private recordMerge(pair: number): TokenId {
    const left = this.vocabulary.spelling(this.pairs.left(pair));
    const right = this.vocabulary.spelling(this.pairs.right(pair));
    // A pair can arise again after it was merged, when its token has two spellings; then its last place counts.
    this.mergedPairs.delete(pair);
    this.mergedPairs.set(pair, [left, right]);
    return this.vocabulary.add(left + (right.startsWith(this.prefix) ? right.slice(this.prefix.length) : right));
  }

  private mergeInPlaces({ pair, start, end }: Candidate, merged: TokenId): void {
    const [left, right] = [this.pairs.left(pair), this.pairs.right(pair)];
    for (let i = start; i < end; i++) this.mergeAt(this.places[i] as number, left, right, merged);
  }

  /** Merges the pair if it is still at `place`, and accounts for the pairs that go and come. */
  private mergeAt(place: number, left: TokenId, right: TokenId, merged: TokenId): void {
    const { symbols } = this;
    const { ids } = symbols;
    if (ids[place] !== left) return;
    const second = symbols.after(place);
    if (ids[second] !== right) return;
    const [before, after] = [symbols.before(place), symbols.after(second)];
    const [idBefore, idAfter] = [ids[before] as TokenId, ids[after] as TokenId];
    if (idBefore !== BORDER) {
      this.lose(idBefore, left, place);
      this.gain(idBefore, merged, before);
    }
    if (idAfter !== BORDER) {
      this.lose(right, idAfter, place);
      this.gain(merged, idAfter, place);
    }
    symbols.join(place, merged);
  }

  private gain(left: TokenId, right: TokenId, place: number): void {
    const pair = this.pairs.numberOf(left, right);
    (this.pairs.counts[pair] as number) += this.symbols.weights[place] as number;
    if (this.numArisen + 2 > this.arisen.length) this.arisen = withRoom(this.arisen, this.numArisen + 2);
    this.arisen[this.numArisen++] = pair;
    this.arisen[this.numArisen++] = place;
  }

  private lose(left: TokenId, right: TokenId, place: number): void {
    (this.pairs.counts[this.pairs.numberOf(left, right)] as number) -= this.symbols.weights[place] as number;
  }

  /** Groups what arose by pair, in order, and queues a candidate for each. */
  private queueArisen(): void {
    const pairs = this.groupArisen();
    let start = this.numPlaces;
    for (const pair of pairs) {
      const end = this.ends[pair] as number;
      this.ends[pair] = 0;
      if ((this.pairs.counts[pair] as number) > 0) this.candidates.push(pair, start, end);
      start = end;
    }
    this.numPlaces = start;
    this.numArisen = 0;
  }

  /** Sorts the places that arose by pair. Returns the pairs; `ends` then says where the range of each ends. */
  private groupArisen(): number[] {
    const { arisen, numArisen } = this;
    this.places = withRoom(this.places, this.numPlaces + numArisen / 2);
    this.ends = withRoom(this.ends, this.pairs.size);
    const { places, ends } = this;
    const pairs: number[] = [];
    for (let i = 0; i < numArisen; i += 2) {
      const pair = arisen[i] as number;
      if (ends[pair] === 0) pairs.push(pair);
      (ends[pair] as number)++;
    }
    let start = this.numPlaces;
    for (const pair of pairs) {
      const length = ends[pair] as number;
      ends[pair] = start;
      start += length;
    }
    for (let i = 0; i < numArisen; i += 2) {
      const pair = arisen[i] as number;
      places[(ends[pair] as number)++] = arisen[i + 1] as number;
    }
    return pairs;
  }
}
