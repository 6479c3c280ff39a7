export { type Gpt2Config, type ResolvedGpt2Config, resolveConfig } from "./config.ts";
export { createDecoder, Decoder, type DecoderBlock } from "./decoder.ts";
export {
  type DecoderConfig,
  type Positions,
  type ResolvedDecoderConfig,
  resolveDecoderConfig,
} from "./decoder-config.ts";
export { decoderShapes } from "./decoder-shapes.ts";
export {
  ConfigError,
  GenerationError,
  ModelFileError,
  SequenceTooLongError,
  TensorMismatchError,
  UnsupportedModelError,
} from "./errors.ts";
export { huggingFaceNames } from "./families/gpt2.ts";
export { type GenerateOptions, generate } from "./generate.ts";
export { createGpt2, Gpt2 } from "./gpt2.ts";
export { countParameters, parameterShapes } from "./parameter-shapes.ts";
export { pickToken, type SamplingOptions, tokenProbabilities } from "./sampling.ts";
