export { type DistributionOptions as SamplingOptions, pickToken } from "@tessera-lm/ops";
export type { TransformerBlock } from "./blocks.ts";
export { type Gpt2Config, type ResolvedGpt2Config, resolveConfig } from "./config.ts";
export { createDecoder, Decoder } from "./decoder/decoder.ts";
export {
  type DecoderConfig,
  type OptionalDecoderField,
  type Positions,
  type ResolvedDecoderConfig,
  resolveDecoderConfig,
} from "./decoder/decoder-config.ts";
export { decoderShapes } from "./decoder/decoder-shapes.ts";
export { createGpt2, Gpt2 } from "./decoder/gpt2.ts";
export { createEncoder, Encoder, type EncoderOptions, type EncoderParts } from "./encoder/encoder.ts";
export {
  type EncoderConfig,
  type OptionalEncoderField,
  type ResolvedEncoderConfig,
  resolveEncoderConfig,
} from "./encoder/encoder-config.ts";
export { encoderShapes } from "./encoder/encoder-shapes.ts";
export type { MaskedHead } from "./encoder/masked-head.ts";
export { createEncoderDecoder, EncoderDecoder, type Stack } from "./encoder-decoder/encoder-decoder.ts";
export {
  type EncoderDecoderConfig,
  type ResolvedEncoderDecoderConfig,
  resolveEncoderDecoderConfig,
} from "./encoder-decoder/encoder-decoder-config.ts";
export { encoderDecoderShapes } from "./encoder-decoder/encoder-decoder-shapes.ts";
export { Writer } from "./encoder-decoder/writer.ts";
export {
  ArgumentError,
  ConfigError,
  GenerationError,
  MissingHeadError,
  ModelFileError,
  PlanError,
  QuantizedModelError,
  SequenceTooLongError,
  StorageTypeError,
  TensorMismatchError,
  TokenizerMismatchError,
  UnsupportedModelError,
  WrongKindError,
} from "./errors.ts";
export { huggingFaceNames } from "./families/gpt2.ts";
export { type Beam, type BeamSearchOptions, beamSearch } from "./generation/beam-search.ts";
export { Conversation, type ConversationOptions } from "./generation/conversation.ts";
export type { EndEvent, EndReason, GenerationEvent, TokenEvent } from "./generation/events.ts";
export { generate, generateBatch, generateEvents } from "./generation/generate.ts";
export type { TokenLogProbability } from "./generation/log-probabilities.ts";
export type { BatchOptions, CausalLanguageModel, Draft, GenerateOptions, TokenDecoder } from "./generation/options.ts";
export { tokenProbabilities } from "./generation/sampling.ts";
export { type GgufModel, type ReadGgufOptions, readGguf } from "./gguf/read-gguf.ts";
export { type AttentionMap, attentionMaps } from "./inspect/attention-maps.ts";
export { type Inspectable, type Inspection, type InspectOptions, inspect } from "./inspect/inspect.ts";
export { type InspectPageOptions, inspectPage, type TextCodec } from "./inspect/inspect-page.ts";
export type { Candidate, Prediction } from "./inspect/logits.ts";
export { type Neighbor, nearestTokens } from "./inspect/nearest-tokens.ts";
export { type ModuleSummary, type Summary, summary } from "./inspect/summary.ts";
export { countParameters, parameterShapes } from "./parameter-shapes.ts";

export type { ModelConfig } from "./plan/anatomy.ts";
export type { Flops } from "./plan/flops.ts";
export { type Hardware, hardware } from "./plan/hardware.ts";
export type { InferenceMemory, WeightFormat } from "./plan/inference-memory.ts";
export { measureSpeed } from "./plan/measure-speed.ts";
export { type Plan, type PlanOptions, plan, type Run } from "./plan/plan.ts";
export { optimalForCompute, optimalForModel, predictedLoss, type Scaling } from "./plan/scaling-law.ts";
export type { LoraShape, TrainingMemory } from "./plan/training-memory.ts";

export {
  type QuantizedMatrixReport,
  type QuantizedModelReport,
  type QuantizedType,
  type QuantizeModelOptions,
  quantizeModel,
} from "./storage/quantize-model.ts";
export { readLlama2c } from "./storage/read-llama2c.ts";
export { type ModelKind, type ModelKinds, type ReadModelOptions, readModel } from "./storage/read-model.ts";
