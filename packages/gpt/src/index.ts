export { type Gpt2Config, type ResolvedGpt2Config, resolveConfig } from "./config.ts";
export {
  ConfigError,
  GenerationError,
  ModelFileError,
  SequenceTooLongError,
  TensorMismatchError,
  UnsupportedModelError,
} from "./errors.ts";
export { type GenerateOptions, generate } from "./generate.ts";
export { createGpt2, Gpt2 } from "./gpt2.ts";
export { huggingFaceNames } from "./hugging-face-names.ts";
export { countParameters, parameterShapes } from "./parameter-shapes.ts";
export { pickToken, type SamplingOptions, tokenProbabilities } from "./sampling.ts";
