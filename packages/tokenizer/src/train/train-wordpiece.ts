import type { PipelineTokenizer } from "../pipeline.ts";
import { spellCharacters } from "./alphabet.ts";
import {
  noOptions,
  type PipelineTrainingOptions,
  requireFrequency,
  requireWhole,
  specialNamesWith,
} from "./options.ts";
import { PairLearner } from "./pair-learner.ts";
import { countPipelineWords, makePipeline } from "./pipeline-words.ts";
import { readTexts } from "./read-texts.ts";
import { Vocabulary } from "./vocabulary.ts";

/** What {@link trainWordPiece} should learn. `vocabSize` counts special tokens, characters and merges. */
export interface WordPieceTrainingOptions extends PipelineTrainingOptions {
  /** The token for a word that no tokens spell. It takes id 0 unless it is among `specialTokens`. Default `[UNK]`. */
  readonly unknownToken?: string;
  /** A pair that occurs less often is not merged. Default 1. */
  readonly minFrequency?: number;
  /** Keep only so many characters, the most frequent. Default: all, even where `vocabSize` is smaller. */
  readonly limitAlphabet?: number;
  /** What a token that continues a word begins with. Default `##`. */
  readonly continuingPrefix?: string;
}

/**
 * Learns a WordPiece vocabulary (Schuster and Nakajima 2012; as Hugging Face's `WordPieceTrainer`): BPE on characters,
 * where a token that continues a word is spelled with `##`. Words are cut as BERT's are: white space separates them,
 * and every punctuation mark is one of its own. Ids are special tokens, characters by code point, continuing ones by
 * code point, then merges; among equally frequent pairs the smallest ids win. (Hugging Face's trainer numbers the
 * continuing characters in a random order, so that its vocabulary differs from run to run where pairs tie.)
 *
 * @param texts any number of texts. Texts that come later make a promise
 * @throws InvalidArgumentError for what are no texts
 * @throws InvalidTrainingOptionError if an option is out of range
 */
export function trainWordPiece(texts: Iterable<string>, options: WordPieceTrainingOptions): PipelineTokenizer;
export function trainWordPiece(
  texts: AsyncIterable<string>,
  options: WordPieceTrainingOptions,
): Promise<PipelineTokenizer>;
export function trainWordPiece(
  texts: Iterable<string> | AsyncIterable<string>,
  options: WordPieceTrainingOptions = noOptions,
): PipelineTokenizer | Promise<PipelineTokenizer> {
  const { unknownToken = "[UNK]", minFrequency = 1, limitAlphabet, continuingPrefix: prefix = "##" } = options;
  const names = specialNamesWith(unknownToken, options);
  requireWhole("vocabSize", options.vocabSize, names.length, `${names.length} special tokens`);
  requireFrequency(minFrequency);
  if (limitAlphabet !== undefined) requireWhole("limitAlphabet", limitAlphabet, 1);
  const surroundings = {
    normalizer: options.normalizer,
    preTokenizer: { type: "BertPreTokenizer" },
    decoder: { type: "WordPiece", prefix, cleanup: true },
  };

  return readTexts(texts, countPipelineWords(surroundings), options, (words) => {
    const vocabulary = new Vocabulary();
    for (const name of names) vocabulary.add(name);
    const alphabet = { limit: limitAlphabet ?? Number.POSITIVE_INFINITY, prefix };
    new PairLearner(spellCharacters(words, vocabulary, alphabet), vocabulary, prefix).learn(minFrequency, options);
    return makePipeline(surroundings, names, {
      type: "WordPiece",
      unk_token: unknownToken,
      continuing_subword_prefix: prefix,
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.ids),
    });
  });
}
