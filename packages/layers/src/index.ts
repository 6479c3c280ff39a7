export { type Activation, activate } from "./activation.ts";
export { createSelfAttention, SelfAttention, type SelfAttentionOptions } from "./attention.ts";
export { Block, type BlockOptions, createBlock, PostNormBlock } from "./block.ts";
export { breathe } from "./breathe.ts";
export { checkpointed } from "./checkpointed.ts";
export { CrossBlock, type CrossOptions } from "./cross-block.ts";
export { createEmbedding, Embedding, type EmbeddingOptions, type EmbeddingTable } from "./embedding.ts";
export { CacheError, ParameterMemoryError, VocabularyError } from "./errors.ts";
export {
  createFeedForward,
  createGatedFeedForward,
  FeedForward,
  type FeedForwardOptions,
  GatedFeedForward,
  type GatedFeedForwardOptions,
} from "./feed-forward.ts";
export { atLayer, atSite, dropoutAt, withDropout } from "./forward-options.ts";
export { type Initializer, normal, ones, randomGenerator, uniform, zeros } from "./initialize.ts";
export { KeyValueCache, type KeyValueCacheOptions } from "./key-value-cache.ts";
export type { ForwardOptions, LanguageModel, SequenceToSequenceModel } from "./language-model.ts";
export type { LayerCache } from "./layer-cache.ts";
export { createLinear, Linear, type LinearOptions, type Projection } from "./linear.ts";
export { type Module, type ModuleSite, modules, replaceModules } from "./modules.ts";
export {
  createMultiHeadAttention,
  MultiHeadAttention,
  type MultiHeadAttentionOptions,
  type MultiHeadAttentionParts,
} from "./multi-head-attention.ts";
export {
  createLayerNorm,
  createRmsNorm,
  LayerNorm,
  type LayerNormOptions,
  RmsNorm,
  type RmsNormOptions,
} from "./norm.ts";
export { type Observer, observed } from "./observed.ts";
export { allOrNothing, dispose, type Parameter, parameter, parameters, tensors } from "./parameter.ts";
export { alibiSlopes, sinusoidalPositions } from "./positions.ts";
export { createRelativePosition, RelativePosition, type RelativePositionOptions } from "./relative-position.ts";
export {
  createRotary,
  type FactorScaling,
  type LinearScaling,
  type Llama3Scaling,
  type RopeScaling,
  Rotary,
  type RotaryOptions,
  type YarnScaling,
} from "./rotary.ts";
export { rowsOfWindow } from "./sliding-rows.ts";
export { StoredEmbedding, StoredLinear } from "./stored.ts";
export { checkTokens } from "./vocabulary.ts";
