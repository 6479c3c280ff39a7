export type { TransformerBlock } from "./blocks.ts";
export { type Gpt2Config, type ResolvedGpt2Config, resolveConfig } from "./config.ts";
export { createDecoder, Decoder } from "./decoder.ts";
export {
  type DecoderConfig,
  type Positions,
  type ResolvedDecoderConfig,
  resolveDecoderConfig,
} from "./decoder-config.ts";
export { decoderShapes } from "./decoder-shapes.ts";
export { createEncoder, Encoder, type EncoderOptions } from "./encoder.ts";
export { type EncoderConfig, type ResolvedEncoderConfig, resolveEncoderConfig } from "./encoder-config.ts";
export { createEncoderDecoder, EncoderDecoder, type Stack, Writer } from "./encoder-decoder.ts";
export {
  type EncoderDecoderConfig,
  type ResolvedEncoderDecoderConfig,
  resolveEncoderDecoderConfig,
} from "./encoder-decoder-config.ts";
export { encoderDecoderShapes } from "./encoder-decoder-shapes.ts";
export { encoderShapes } from "./encoder-shapes.ts";
export {
  ConfigError,
  GenerationError,
  MissingHeadError,
  ModelFileError,
  SequenceTooLongError,
  TensorMismatchError,
  UnsupportedModelError,
  WrongKindError,
} from "./errors.ts";
export { huggingFaceNames } from "./families/gpt2.ts";
export { type GenerateOptions, generate } from "./generate.ts";
export { createGpt2, Gpt2 } from "./gpt2.ts";
export type { MaskedHead } from "./masked-head.ts";
export { countParameters, parameterShapes } from "./parameter-shapes.ts";
export { pickToken, type SamplingOptions, tokenProbabilities } from "./sampling.ts";
