import type { PipelineTokenizer } from "../pipeline.ts";
import { inOrder } from "./alphabet.ts";
import { InvalidTrainingOptionError } from "./errors.ts";
import { noOptions, type PipelineTrainingOptions, requireWhole, specialNamesWith } from "./options.ts";
import { countPipelineWords, makePipeline } from "./pipeline-words.ts";
import { readTexts } from "./read-texts.ts";
import { type LearningOptions, UnigramLearner } from "./unigram-learner.ts";
import { leastScore, type Pieces } from "./unigram-pieces.ts";
import { UnigramWords } from "./unigram-words.ts";

/** What {@link trainUnigram} should learn. `vocabSize` counts special tokens, the unknown token and pieces. */
export interface UnigramTrainingOptions extends PipelineTrainingOptions {
  /** The token for characters that have none. It takes id 0 unless it is among `specialTokens`. Default `<unk>`. */
  readonly unknownToken?: string;
  /** The longest piece, in characters. Default 16. */
  readonly maxPieceLength?: number;
  /** How much of the pieces each pruning leaves. Default 0.75. */
  readonly shrinkingFactor?: number;
  /** Steps of expectation-maximisation before each pruning. Default 2. */
  readonly numSubIterations?: number;
  /** The most pieces to begin with. Default 1,000,000. */
  readonly seedSize?: number;
}

/**
 * Learns a Unigram vocabulary (Kudo 2018) as Hugging Face's `UnigramTrainer` and SentencePiece do. Words are cut as
 * SentencePiece cuts them: a space becomes `▁`, which also begins every text, and each word begins with its `▁`.
 *
 * Pieces and scores are Hugging Face's to the rounding of sums, which its threads add up in a random order. Two
 * things are settled here that are left to chance there: pieces with equal scores are ordered by code point or by age,
 * and characters that were pruned come back in the order of code points. And where the characters alone
 * fill the vocabulary, no other pieces come in.
 *
 * @param texts any number of texts. Texts that come later make a promise
 * @throws InvalidArgumentError for what are no texts
 * @throws InvalidTrainingOptionError if an option is out of range, or `vocabSize` has no room for all characters
 */
export function trainUnigram(texts: Iterable<string>, options: UnigramTrainingOptions): PipelineTokenizer;
export function trainUnigram(texts: AsyncIterable<string>, options: UnigramTrainingOptions): Promise<PipelineTokenizer>;
export function trainUnigram(
  texts: Iterable<string> | AsyncIterable<string>,
  options: UnigramTrainingOptions = noOptions,
): PipelineTokenizer | Promise<PipelineTokenizer> {
  const { unknownToken = "<unk>" } = options;
  const names = specialNamesWith(unknownToken, options);
  requireWhole("vocabSize", options.vocabSize, names.length + 1, `${names.length} special tokens and a piece`);
  const learningOptions = checked(options);
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
  const surroundings = { normalizer: options.normalizer, preTokenizer: metaspace, decoder: metaspace };

  return readTexts(texts, countPipelineWords(surroundings), options, (counts) => {
    const words = new UnigramWords(counts);
    const numCharacters = words.characters().length;
    const why = `${numCharacters} characters and ${names.length} special tokens`;
    requireWhole("vocabSize", options.vocabSize, numCharacters + names.length, why);
    const room = options.vocabSize - names.length;
    const pieces = new UnigramLearner(words, learningOptions).learn((vocabSize) =>
      options.onProgress?.({ stage: "learn", vocabSize, targetVocabSize: options.vocabSize }),
    );
    const vocab = [...names.map((name) => [name, 0] as const), ...bestPieces(words, pieces, room, new Set(names))];
    const model = { type: "Unigram", unk_id: names.indexOf(unknownToken), vocab, byte_fallback: false };
    return makePipeline(surroundings, names, model);
  });
}

function checked(options: UnigramTrainingOptions): LearningOptions {
  const {
    vocabSize,
    maxPieceLength = 16,
    shrinkingFactor = 0.75,
    numSubIterations = 2,
    seedSize = 1_000_000,
  } = options;
  requireWhole("maxPieceLength", maxPieceLength, 1);
  requireWhole("numSubIterations", numSubIterations, 1);
  requireWhole("seedSize", seedSize, 1);
  if (!(shrinkingFactor > 0 && shrinkingFactor < 1)) {
    throw new InvalidTrainingOptionError("shrinkingFactor", shrinkingFactor, "a number between 0 and 1");
  }
  return { vocabSize, maxPieceLength, shrinkingFactor, numSubIterations, seedSize };
}

/** Characters that were pruned come back below the least probable piece, each a little better than the one before. */
const RESCUE_STEP = 0.0001;

/** All characters, and as many pieces as there is room for, the most probable first; none has a special token's name. */
function bestPieces(
  words: UnigramWords,
  pieces: Pieces,
  room: number,
  special: ReadonlySet<string>,
): (readonly [string, number])[] {
  const scores = new Map<string, number>();
  for (let piece = 1; piece < pieces.size; piece++) {
    scores.set(
      words.text(pieces.starts[piece] as number, pieces.lengths[piece] as number),
      pieces.scores[piece] as number,
    );
  }
  const chosen = new Map<string, number>();
  let rescued = leastScore(pieces);
  for (const character of inOrder(words.characters().map(({ code }) => String.fromCodePoint(code)))) {
    const score = scores.get(character);
    chosen.set(character, score ?? rescued);
    if (score === undefined) rescued += RESCUE_STEP;
  }
  for (const [text, score] of scores) if (chosen.size < room && !special.has(text)) chosen.set(text, score);
  return [...chosen].sort(([, a], [, b]) => b - a);
}
