import type { Merge } from "../byte-pair/merges.ts";

interface Candidate {
  readonly pair: string;
  count: number;
  readonly words: Set<Word>;
}
interface Word {
  ids: number[];
  readonly count: number;
}

/**
 * Learns merges as Hugging Face's `BpeTrainer` does, step by step and without any index, for comparison. A merged
 * pair keeps its count; a pair that arises again is queued again, for the words where it arose.
 *
 * @param base the spellings of the first ids, which `words` are made of
 */
export function plainMerges(
  words: readonly Word[],
  base: readonly string[],
  options: { vocabSize: number; minFrequency: number },
): Merge[] {
  const spellings = [...base];
  const merges = new Map<string, Merge>();
  const counts = new Map<string, number>();
  const queue: Candidate[] = [];
  const add = (pair: string, count: number): unknown => counts.set(pair, (counts.get(pair) ?? 0) + count);
  const enqueue = (arisen: Map<string, Set<Word>>): void => {
    for (const [pair, where] of arisen) {
      const count = counts.get(pair) as number;
      if (count > 0) queue.push({ pair, count, words: where });
    }
  };

  const first = new Map<string, Set<Word>>();
  for (const word of words) {
    for (const pair of pairsOf(word.ids)) {
      add(pair, word.count);
      note(first, pair, word);
    }
  }
  enqueue(first);

  while (spellings.length < options.vocabSize && queue.length > 0) {
    queue.sort(byRank);
    const best = queue[0] as Candidate;
    const count = counts.get(best.pair) as number;
    if (best.count !== count) {
      best.count = count;
      continue;
    }
    queue.shift();
    if (count < Math.max(1, options.minFrequency)) break;
    const [left, right] = best.pair.split(" ").map(Number) as [number, number];
    const merge: Merge = [spellings[left] as string, spellings[right] as string];
    merges.delete(best.pair);
    merges.set(best.pair, merge);
    const spelling = merge.join("");
    if (!spellings.includes(spelling)) spellings.push(spelling);
    const merged = spellings.indexOf(spelling);

    const arisen = new Map<string, Set<Word>>();
    for (const word of best.words) {
      for (let i = 0; i + 1 < word.ids.length; i++) {
        const { ids } = word;
        if (ids[i] !== left || ids[i + 1] !== right) continue;
        if (i > 0) {
          add(`${ids[i - 1]} ${left}`, -word.count);
          add(`${ids[i - 1]} ${merged}`, word.count);
          note(arisen, `${ids[i - 1]} ${merged}`, word);
        }
        if (i + 2 < ids.length) {
          add(`${right} ${ids[i + 2]}`, -word.count);
          add(`${merged} ${ids[i + 2]}`, word.count);
          note(arisen, `${merged} ${ids[i + 2]}`, word);
        }
        ids.splice(i, 2, merged);
      }
    }
    enqueue(arisen);
  }
  return [...merges.values()];
}

function pairsOf(ids: readonly number[]): string[] {
  return ids.slice(1).map((right, i) => `${ids[i]} ${right}`);
}

function note(arisen: Map<string, Set<Word>>, pair: string, word: Word): void {
  const words = arisen.get(pair);
  if (words === undefined) arisen.set(pair, new Set([word]));
  else words.add(word);
}

/** Highest count first; among equals the smallest pair of ids. */
function byRank(a: Candidate, b: Candidate): number {
  if (a.count !== b.count) return b.count - a.count;
  const [left, right] = a.pair.split(" ").map(Number) as [number, number];
  const [otherLeft, otherRight] = b.pair.split(" ").map(Number) as [number, number];
  return left - otherLeft || right - otherRight;
}
