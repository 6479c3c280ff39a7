import { frequentSubstrings } from "./frequent-substrings.ts";
import { Lattice } from "./lattice.ts";
import { choosePieces, PieceFinder, type Pieces } from "./unigram-pieces.ts";
import type { UnigramWords } from "./unigram-words.ts";

/** The knobs of the learning, see `UnigramTrainingOptions`. */
export interface LearningOptions {
  readonly vocabSize: number;
  readonly maxPieceLength: number;
  readonly shrinkingFactor: number;
  readonly numSubIterations: number;
  readonly seedSize: number;
}

/** A piece that is expected less often is dropped. */
const LEAST_EXPECTED = 0.5;

/**
 * Expectation-maximisation with pruning (Kudo 2018), step by step as in SentencePiece and Hugging Face's trainer: begin
 * with many pieces, fit their probabilities, drop those that the likelihood of the texts misses least, again and again.
 */
export class UnigramLearner {
  private readonly words: UnigramWords;
  private readonly options: LearningOptions;
  private readonly finder: PieceFinder;
  private readonly lattice = new Lattice();

  constructor(words: UnigramWords, options: LearningOptions) {
    this.words = words;
    this.options = options;
    this.finder = new PieceFinder(words, seedPieces(words, options));
  }

  /** Learns until at most 1.1 times as many pieces as wanted are left. Says after each step how many there are. */
  learn(onStep: (numPieces: number) => void): Pieces {
    const wanted = Math.floor((this.options.vocabSize * 11) / 10);
    for (;;) {
      const before = this.finder.pieces.size;
      for (let i = 0; i < this.options.numSubIterations; i++) {
        this.finder.use(this.maximise(this.expectedCounts()));
        onStep(this.finder.pieces.size);
      }
      if (this.finder.pieces.size <= wanted) return this.finder.pieces;
      this.finder.use(this.prune(wanted));
      if (this.finder.pieces.size === before) return this.finder.pieces; // no piece can be spared
    }
  }

  /** How often each piece is to be expected in the texts. */
  private expectedCounts(): Float64Array {
    const { words, finder, lattice } = this;
    const expected = new Float64Array(finder.pieces.size);
    for (let word = 0; word < words.numWords; word++) {
      lattice.fill(finder, words.codes, words.starts[word] as number, words.length(word));
      lattice.expect(words.counts[word] as number, expected);
    }
    return expected;
  }

  /** The pieces that are expected often enough, with new scores; the digamma function favours few pieces. */
  private maximise(expected: Float64Array): Pieces {
    const kept = [0];
    let sum = 0;
    for (let piece = 1; piece < expected.length; piece++) {
      if ((expected[piece] as number) < LEAST_EXPECTED) continue;
      kept.push(piece);
      sum += expected[piece] as number;
    }
    const logSum = digamma(sum);
    return choosePieces(this.finder.pieces, kept, (piece) =>
      piece === 0 ? 0 : digamma(expected[piece] as number) - logSum,
    );
  }

  /** Drops the pieces whose loss lowers the likelihood least. */
  private prune(wanted: number): Pieces {
    const { pieces } = this.finder;
    const target = Math.max(wanted, Math.floor(pieces.size * this.options.shrinkingFactor));
    const { kept, candidates } = this.judgePieces();
    candidates.sort((a, b) => b.loss - a.loss);
    const numMore = kept.length > target ? candidates.length : target - kept.length;
    for (const { piece } of candidates.slice(0, numMore)) kept.push(piece);
    return choosePieces(pieces, kept, (piece) => pieces.scores[piece] as number);
  }

  /** Pieces that must stay, and those that may go with the likelihood that is lost then. */
  private judgePieces(): { kept: number[]; candidates: { piece: number; loss: number }[] } {
    const { pieces } = this.finder;
    const counts = this.bestCounts();
    const sum = counts.reduce((a, b) => a + b, 0);
    const numWords = this.words.counts.reduce((a, b) => a + b, 0);
    const kept = [0];
    const candidates: { piece: number; loss: number }[] = [];
    for (let piece = 1; piece < pieces.size; piece++) {
      const count = counts[piece] as number;
      const others = this.alternative(piece);
      if (others === "none" || (others === "better" && count > 0)) kept.push(piece);
      if (typeof others === "string" || count === 0) continue;
      // Without the piece, its occurrences go to the pieces that spell it. Their sum ought to grow by as many as those
      // are; the reference adds the number of all pieces, and its vocabularies are what people compare with.
      const logSum = Math.log(sum + count * (pieces.size - 1));
      let score = 0;
      for (const other of others) score += Math.log((counts[other] as number) + count) - logSum;
      candidates.push({ piece, loss: (count / numWords) * (Math.log(count) - Math.log(sum) - score) });
    }
    return { kept, candidates };
  }

  /** The best way to spell a piece with other pieces; "none" if there is none, "better" if it beats the piece itself. */
  private alternative(piece: number): number[] | "none" | "better" {
    const { finder, lattice, words } = this;
    const { starts, lengths, scores } = finder.pieces;
    if (lengths[piece] === 1) return "none";
    lattice.fill(finder, words.codes, starts[piece] as number, lengths[piece] as number);
    const others = lattice.best(piece);
    return others.score > (scores[piece] as number) ? "better" : others.pieces;
  }

  /** How often each piece is used when each word is cut in the best way. */
  private bestCounts(): Float64Array {
    const { words, finder, lattice } = this;
    const counts = new Float64Array(finder.pieces.size);
    for (let word = 0; word < words.numWords; word++) {
      lattice.fill(finder, words.codes, words.starts[word] as number, words.length(word));
      for (const piece of lattice.best().pieces) (counts[piece] as number) += words.counts[word] as number;
    }
    return counts;
  }
}

/** All characters, then frequent substrings, those first that cover most; the scores follow what they cover. */
function seedPieces(words: UnigramWords, { maxPieceLength, seedSize }: LearningOptions): Pieces {
  const characters = words.characters().sort((a, b) => b.count - a.count || b.code - a.code);
  const covered = (of: { count: number; length: number }): number => of.count * of.length;
  const substrings = frequentSubstrings(words, maxPieceLength)
    .sort((a, b) => covered(b) - covered(a) || b.rank - a.rank || b.length - a.length)
    .slice(0, Math.max(1, seedSize - characters.length));
  const seeds = [...characters, ...substrings];
  const logSum = Math.log(seeds.reduce((sum, seed) => sum + covered(seed), 0));
  return {
    size: seeds.length + 1,
    starts: Int32Array.from([0, ...seeds.map(({ start }) => start)]),
    lengths: Int32Array.from([0, ...seeds.map(({ length }) => length)]),
    scores: Float64Array.from([0, ...seeds.map((seed) => Math.log(covered(seed)) - logSum)]),
  };
}

/** ψ(x), the derivative of ln Γ(x), by recurrence and its asymptotic series. */
function digamma(x: number): number {
  let result = 0;
  let y = x;
  for (; y < 7; y++) result -= 1 / y;
  y -= 0.5;
  const square = 1 / (y * y);
  const fourth = square * square;
  const series = square / 24 - (7 / 960) * fourth + (31 / 8064) * fourth * square - (127 / 30720) * fourth * fourth;
  return result + Math.log(y) + series;
}
