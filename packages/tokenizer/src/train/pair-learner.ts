import { alphabetOrder, byteCharacters } from "../byte-alphabet.ts";
import type { Merge } from "../byte-pair/merges.ts";
import { Heap } from "../heap.ts";
import type { TokenId } from "../tokenizer.ts";

/** A distinct word as the ids that it is made of so far. */
interface Word {
  readonly ids: TokenId[];
  readonly count: number;
}

/** A pair that might merge next, with its count when it was queued and the words where it arose. */
interface Candidate {
  readonly left: TokenId;
  readonly right: TokenId;
  readonly count: number;
  readonly words: Word[];
}

/** A pair of ids as one exact number, the key of a Map. */
const PAIR_BASE = 2 ** 26;

function pairKey(left: TokenId, right: TokenId): number {
  return left * PAIR_BASE + right;
}

/**
 * The state of training. Counts of pairs are kept up to date instead of recounted: a merge visits only the words
 * where its pair arose. Counts in the queue go stale and are corrected when their candidate comes up.
 */
export class PairLearner {
  /** Spelling → id, without the special tokens. */
  readonly vocabulary: Map<string, TokenId> = new Map();
  private readonly spellings = new Map<TokenId, string>();
  private readonly mergedPairs = new Map<number, Merge>();
  private readonly counts = new Map<number, number>();
  private readonly queue = new Heap<Candidate>(mergesBefore);
  private readonly numSpecialTokens: number;

  constructor(wordCounts: ReadonlyMap<string, number>, numSpecialTokens: number) {
    this.numSpecialTokens = numSpecialTokens;
    for (const byte of alphabetOrder) this.idOf(byteCharacters[byte] as string);
    const arisen = new ArisenPairs(this.counts);
    for (const word of this.spellWords(wordCounts)) {
      for (let i = 0; i + 1 < word.ids.length; i++) arisen.add(word.ids[i] as number, word.ids[i + 1] as number, word);
    }
    this.enqueue(arisen);
  }

  get vocabSize(): number {
    return this.numSpecialTokens + this.vocabulary.size;
  }

  /** The merges in the order in which they were learned. */
  merges(): Merge[] {
    return [...this.mergedPairs.values()];
  }

  /** Merges the most frequent pair everywhere; false if no pair is frequent enough. */
  mergeMostFrequent(minFrequency: number): boolean {
    const best = this.nextCandidate();
    if (best === undefined || best.count < Math.max(1, minFrequency)) return false;
    const merged = this.recordMerge(best.left, best.right);
    const arisen = new ArisenPairs(this.counts);
    for (const word of best.words) mergeInWord(word, best.left, best.right, merged, arisen);
    this.enqueue(arisen);
    return true;
  }

  /** The words as ids of bytes. */
  private spellWords(wordCounts: ReadonlyMap<string, number>): Word[] {
    const byteIds = byteCharacters.map((character) => this.vocabulary.get(character) as TokenId);
    const utf8 = new TextEncoder();
    return Array.from(wordCounts, ([word, count]) => ({
      ids: Array.from(utf8.encode(word), (byte) => byteIds[byte] as TokenId),
      count,
    }));
  }

  /** The id of a spelling, the next free one if it is new: two pairs may spell the same token. */
  private idOf(spelling: string): TokenId {
    const known = this.vocabulary.get(spelling);
    if (known !== undefined) return known;
    const id = this.vocabSize;
    this.vocabulary.set(spelling, id);
    this.spellings.set(id, spelling);
    return id;
  }

  private nextCandidate(): Candidate | undefined {
    for (;;) {
      const best = this.queue.pop();
      if (best === undefined) return undefined;
      const count = this.counts.get(pairKey(best.left, best.right)) ?? 0;
      if (count === best.count) return best;
      this.queue.push({ ...best, count });
    }
  }

  private recordMerge(left: TokenId, right: TokenId): TokenId {
    const merge: Merge = [this.spellings.get(left) as string, this.spellings.get(right) as string];
    // A pair can arise again after it was merged, when its token has two spellings; then its last place counts.
    this.mergedPairs.delete(pairKey(left, right));
    this.mergedPairs.set(pairKey(left, right), merge);
    return this.idOf(merge[0] + merge[1]);
  }

  private enqueue(arisen: ArisenPairs): void {
    for (const [key, words] of arisen.words) {
      const count = this.counts.get(key) as number;
      if (count > 0) this.queue.push({ left: Math.floor(key / PAIR_BASE), right: key % PAIR_BASE, count, words });
    }
  }
}

/** Highest count first; among equals the smallest pair of ids. */
function mergesBefore(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  return a.left !== b.left ? a.left < b.left : a.right < b.right;
}

/** Keeps the counts of all pairs, and notes where pairs arise during one merge. */
class ArisenPairs {
  readonly words = new Map<number, Word[]>();
  private readonly counts: Map<number, number>;

  constructor(counts: Map<number, number>) {
    this.counts = counts;
  }

  add(left: TokenId, right: TokenId, word: Word): void {
    const key = pairKey(left, right);
    this.counts.set(key, (this.counts.get(key) ?? 0) + word.count);
    const words = this.words.get(key);
    if (words === undefined) this.words.set(key, [word]);
    else if (words.at(-1) !== word) words.push(word);
  }

  remove(left: TokenId, right: TokenId, word: Word): void {
    const key = pairKey(left, right);
    this.counts.set(key, (this.counts.get(key) ?? 0) - word.count);
  }
}

/** Merges every (left, right) of a word, from left to right, and accounts for the pairs that go and come. */
function mergeInWord(word: Word, left: TokenId, right: TokenId, merged: TokenId, arisen: ArisenPairs): void {
  const { ids } = word;
  let kept = 0;
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] !== left || ids[i + 1] !== right) {
      ids[kept++] = ids[i] as TokenId;
      continue;
    }
    const [before, after] = [ids[kept - 1], ids[i + 2]];
    if (kept > 0) {
      arisen.remove(before as TokenId, left, word);
      arisen.add(before as TokenId, merged, word);
    }
    if (i + 2 < ids.length) {
      arisen.remove(right, after as TokenId, word);
      arisen.add(merged, after as TokenId, word);
    }
    ids[kept++] = merged;
    i++;
  }
  ids.length = kept;
}
