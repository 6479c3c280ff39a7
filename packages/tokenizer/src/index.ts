export { type BytePairDefinition, BytePairTokenizer } from "./byte-pair/bpe.ts";
export type { Merge } from "./byte-pair/merges.ts";
export type { TokenList } from "./byte-pair/token-list.ts";
export { type DecodeStream, type DecodeStreamOptions, decodeStream } from "./decode-stream.ts";
export { type BatchOptions, type EncodedBatch, encodeBatch, type Side } from "./encode-batch.ts";
export {
  DisallowedSpecialTokenError,
  InvalidArgumentError,
  InvalidPatternError,
  MalformedTokenizerError,
  PieceTooLongError,
  UnknownByteError,
  UnknownCharacterError,
  UnknownSpecialTokenError,
  UnknownTokenIdError,
  UnsupportedTokenizerError,
} from "./errors.ts";
export { type Gpt2Files, tokenizerFromGpt2Files, tokenizerToGpt2Files } from "./formats/gpt2-files.ts";
export { type SentencePieceOptions, tokenizerFromSentencePiece } from "./formats/sentence-piece-model.ts";
export { type TiktokenOptions, tokenizerFromTiktoken } from "./formats/tiktoken.ts";
export { tokenizerFromFile } from "./formats/tokenizer-file.ts";
export { tokenizerFromJson } from "./formats/tokenizer-json.ts";
export { tokenizerFromWordPieceVocabulary, type WordPieceOptions } from "./formats/word-piece-vocabulary.ts";
export { tokenizerToJson } from "./formats/write-tokenizer-json.ts";
export type { GrowingIds } from "./growing-ids.ts";
export { byteTokenizer } from "./models/byte.ts";
export { CharacterTokenizer, characterTokenizer } from "./models/character.ts";
export type { Part } from "./parts.ts";
export { type EncodedPair, type PipelineDefinition, PipelineTokenizer } from "./pipeline.ts";
export { type SplitPatterns, splitPatterns } from "./split/split-patterns.ts";
export type { DecodeOptions, EncodeOptions, EncodingWithOffsets, TokenId, Tokenizer } from "./tokenizer.ts";
