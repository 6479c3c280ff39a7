export { tokenizerToTiktoken } from "./formats/write-tiktoken.ts";
export { InvalidTrainingOptionError } from "./train/errors.ts";
export type { PipelineTrainingOptions, TrainingOptions, TrainingProgress } from "./train/options.ts";
export { type BytePairTrainingOptions, trainBytePair } from "./train/train-bpe.ts";
export { trainUnigram, type UnigramTrainingOptions } from "./train/train-unigram.ts";
export { trainWordPiece, type WordPieceTrainingOptions } from "./train/train-wordpiece.ts";
export { truncateVocabulary } from "./train/truncate-vocabulary.ts";
export {
  type VocabularyReport,
  type VocabularyReportOptions,
  type VocabularyRow,
  vocabularyReport,
} from "./train/vocabulary-report.ts";
