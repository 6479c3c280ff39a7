import type { Scalar, Tensor2D, Tensor3D } from "@tensorflow/tfjs";
import type { KeyValueCache } from "./key-value-cache.ts";
import type { LayerCache } from "./layer-cache.ts";

/** What a forward pass may be told. Modules hand it down to their parts; see `atSite` in forward-options.ts. */
export interface ForwardOptions {
  /** Seed of the dropout masks. Dropout is active exactly when it is given: in training, not in evaluation. */
  readonly seed?: number;
  /** (B, S): 1 where a key may be seen, 0 where it is padding. Stays the caller's, until after the backward pass. */
  readonly mask?: Tensor2D;
  /** Where the tokens stand, (B, T) int32; those of a sequence follow each other. Default 0 … T − 1. */
  readonly positions?: Tensor2D;
  /**
   * What the model has read at earlier positions, and where it keeps these. For inference; goes with `positions`, which
   * must be given, and without `mask`. Only language models read it: they hand each layer its own part.
   */
  readonly cache?: KeyValueCache;
  /** One layer's part of the cache. Only attention reads it. */
  readonly layerCache?: LayerCache;
  /** Compute the logits of the last position only, (B, 1, V): what generation needs. Only language models read it. */
  readonly lastOnly?: boolean;
  /**
   * Keep only the input of each block for the backward pass, which computes the block again: a third more time, and
   * much less memory. Gradients stay the same to the last bit. Default false. Only language models read it.
   */
  readonly checkpointing?: boolean;
}

/** A model of text, as training, tuning and evaluation see it. */
export interface LanguageModel {
  readonly vocabSize: number;
  /** The longest sequence that one forward pass can take. */
  readonly contextLength: number;
  /** Whether `forward` knows `cache`. Generation from a model that does not reads all tokens again for each new one. */
  readonly supportsCache?: boolean;
  /** Tokens that end a text: generation stops there unless it is told otherwise. */
  readonly stopTokens?: readonly number[];
  /** tokens (B, T) int32 → logits (B, T, V) of each next token; (B, 1, V) with `lastOnly`. */
  forward(tokens: Tensor2D, options?: ForwardOptions): Tensor3D;
  /** −log p(target) in nats at every position, (B, T); 0 where the target is −1. */
  tokenLosses(tokens: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Tensor2D;
  /** Σ tokenLosses, in one pass that never holds all logits: the quantity to differentiate in training. */
  loss(tokens: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Scalar;
}

/** A model that writes one text from another, as training sees it. */
export interface SequenceToSequenceModel {
  readonly vocabSize: number;
  /** Σ −log p(target) over the targets (B, T) that are not −1, each after those before it, given the inputs (B, S). */
  loss(inputs: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Scalar;
}
