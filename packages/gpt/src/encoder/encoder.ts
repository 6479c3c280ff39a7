import {
  add as addTo,
  cast,
  div,
  expandDims,
  fill,
  maximum,
  mul,
  range,
  reshape,
  type Scalar,
  slice,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tanh,
} from "@tensorflow/tfjs";
import {
  allOrNothing,
  atSite,
  checkpointed,
  createEmbedding,
  createLinear,
  createRotary,
  type Embedding,
  type EmbeddingTable,
  type ForwardOptions,
  type Initializer,
  type LanguageModel,
  normal,
  type Projection,
  randomGenerator,
  sinusoidalPositions,
  withDropout,
} from "@tessera-lm/layers";
import { add } from "@tessera-lm/ops";
import { createNorm, createTransformerBlock, type TransformerBlock } from "../blocks.ts";
import { MissingHeadError, SequenceTooLongError } from "../errors.ts";
import { lastPosition, modelPass, rows } from "../model-pass.ts";
import { tokenLosses } from "../token-losses.ts";
import {
  type EncoderConfig,
  encoderBlocks,
  type ResolvedEncoderConfig,
  resolveEncoderConfig,
} from "./encoder-config.ts";
import { createMaskedHead, type MaskedHead } from "./masked-head.ts";

/** What a forward pass of an encoder may be told. `mask` says where tokens are and where padding is. */
export interface EncoderOptions extends ForwardOptions {
  /** (B, T) int32: which kind of text each token belongs to. Default: all to the first, 0. */
  readonly tokenTypes?: Tensor2D;
}

/**
 * An encoder-only model, of which every token sees every other: BERT, and whatever else a person puts together. As a
 * `LanguageModel` it tells the token that belongs at each place, which is to be masked where that shall be learned.
 * Frees what it computes on the way: only the result of a method is the caller's.
 *
 * Every method throws VocabularyError for a token or target that the model does not know, on the `cpu` and `wasm`
 * backends, and SequenceTooLongError for more tokens than `contextLength`.
 */
export class Encoder implements LanguageModel {
  readonly config: ResolvedEncoderConfig;
  tokenEmbedding: EmbeddingTable; // (V, C)
  positionEmbedding?: Embedding; // (contextLength, C), for learned positions
  tokenTypeEmbedding?: EmbeddingTable; // (numTokenTypes, C)
  embeddingNorm: Projection;
  blocks: TransformerBlock[];
  finalNorm?: Projection; // none after post-norm blocks
  pooler?: Projection; // (C, C)
  maskedHead?: MaskedHead;
  classifier?: Projection; // (C, numLabels)

  constructor(parts: EncoderParts) {
    this.config = parts.config;
    this.tokenEmbedding = parts.tokenEmbedding;
    this.positionEmbedding = parts.positionEmbedding;
    this.tokenTypeEmbedding = parts.tokenTypeEmbedding;
    this.embeddingNorm = parts.embeddingNorm;
    this.blocks = parts.blocks;
    this.finalNorm = parts.finalNorm;
    this.pooler = parts.pooler;
    this.maskedHead = parts.maskedHead;
    this.classifier = parts.classifier;
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  get contextLength(): number {
    return this.config.contextLength;
  }

  /** Each token sees those after it too, so that no text can be continued. */
  get causal(): false {
    return false;
  }

  /** tokens (B, T) int32 → features of each token, (B, T, C). */
  hidden(tokens: Tensor2D, options?: EncoderOptions): Tensor3D {
    return modelPass(this.vocabSize, () => {
      let x = this.#embed(tokens, options); // (B, T, C)
      this.blocks.forEach((block, layer) => {
        x = checkpointed(block, x, atSite(options, layer + 1)); // (B, T, C)
      });
      return (this.finalNorm ? this.finalNorm.forward(x) : x) as Tensor3D;
    });
  }

  /** tokens (B, T) → logits (B, T, V) of the token that belongs at each place; with `lastOnly` (B, 1, V). */
  forward(tokens: Tensor2D, options?: EncoderOptions): Tensor3D {
    return modelPass(this.vocabSize, () => {
      const hidden = this.hidden(tokens, options);
      const chosen = options?.lastOnly ? lastPosition(hidden) : hidden; // (B, T, C)
      const logits = this.#masked.logits(rows(this.#masked.transform(chosen)), this.tokenEmbedding); // (B·T, V)
      return reshape(logits, [chosen.shape[0], chosen.shape[1], this.vocabSize]);
    });
  }

  /** −log p(target) in nats at every place, (B, T) → (B, T); 0 where the target is −1. */
  tokenLosses(tokens: Tensor2D, targets: Tensor2D, options?: EncoderOptions): Tensor2D {
    return modelPass(this.vocabSize, () => {
      const transformed = rows(this.#masked.transform(this.hidden(tokens, options))); // (B·T, C)
      const head = { logits: (x: Tensor2D): Tensor2D => this.#masked.logits(x, this.tokenEmbedding) };
      return tokenLosses(head, transformed, targets.flatten()).reshape(targets.shape); // (B, T)
    });
  }

  /** Σ tokenLosses, without ever holding all logits: masked-language-modelling, where targets are −1 but at masked places. */
  loss(tokens: Tensor2D, targets: Tensor2D, options?: EncoderOptions): Scalar {
    return modelPass(this.vocabSize, () => {
      const transformed = rows(this.#masked.transform(this.hidden(tokens, options))); // (B·T, C)
      return this.#masked.loss(transformed, this.tokenEmbedding, targets.flatten());
    });
  }

  /** tanh(pooler(features of the first token)): (B, T) → (B, C). @throws {MissingHeadError} without a pooler */
  pooled(tokens: Tensor2D, options?: EncoderOptions): Tensor2D {
    return modelPass(this.vocabSize, () => {
      const hidden = this.hidden(tokens, options);
      const first = reshape(slice(hidden, [0, 0, 0], [-1, 1, -1]), [hidden.shape[0], hidden.shape[2]]); // (B, C)
      return tanh(required(this.pooler, "pooler").forward(first)) as Tensor2D;
    });
  }

  /** Logits of the classes of each text, (B, T) → (B, numLabels). @throws {MissingHeadError} without such a head */
  classify(tokens: Tensor2D, options?: EncoderOptions): Tensor2D {
    return modelPass(this.vocabSize, () => {
      const pooled = withDropout(this.pooled(tokens, options), this.config.dropout, options, this.blocks.length + 1);
      return required(this.classifier, "numLabels").forward(pooled) as Tensor2D;
    });
  }

  /**
   * One vector of length 1 for each text, as sentence-transformers do: the mean over its tokens, (B, T) → (B, C). Zeros
   * for a text without tokens, where the mask is all 0.
   */
  embed(tokens: Tensor2D, options?: EncoderOptions): Tensor2D {
    return modelPass(this.vocabSize, () => {
      const hidden = this.hidden(tokens, options); // (B, T, C)
      const weights = expandDims(options?.mask ? cast(options.mask, "float32") : fill(tokens.shape, 1), 2); // (B, T, 1)
      const mean = div(sum(mul(hidden, weights), 1), maximum(sum(weights, 1), TINY)); // (B, C)
      return div(mean, maximum(mean.norm("euclidean", 1, true), TINY)) as Tensor2D;
    });
  }

  get #masked(): MaskedHead {
    return required(this.maskedHead, "maskedHead");
  }

  #embed(tokens: Tensor2D, options?: EncoderOptions): Tensor {
    const time = tokens.shape[1];
    if (time > this.contextLength) throw new SequenceTooLongError("Encoder", time, this.contextLength);
    const positions = this.#positions(time); // (T, C)
    const words = this.tokenEmbedding.forward(tokens); // (B, T, C)
    const placed = positions ? add(words, positions) : words;
    const embedded = this.tokenTypeEmbedding ? addTo(placed, this.#types(this.tokenTypeEmbedding, options)) : placed;
    return withDropout(this.embeddingNorm.forward(embedded), this.config.dropout, options, 0);
  }

  #positions(time: number): Tensor | undefined {
    if (this.positionEmbedding) return this.positionEmbedding.forward(range(0, time, 1, "int32"));
    return this.config.positions === "sinusoidal" ? sinusoidalPositions(0, time, this.config.width) : undefined;
  }

  /** (B, T, C), or (1, C) where all tokens are of the first type */
  #types(table: EmbeddingTable, options?: EncoderOptions): Tensor {
    return table.forward(options?.tokenTypes ?? range(0, 1, 1, "int32"));
  }
}

export type EncoderParts = Omit<
  { [Field in keyof Encoder]: Encoder[Field] },
  | "vocabSize"
  | "contextLength"
  | "causal"
  | "hidden"
  | "forward"
  | "tokenLosses"
  | "loss"
  | "pooled"
  | "classify"
  | "embed"
>;

/** What sums and lengths are at least: 0 / 0 is no number. */
const TINY = 1e-9;

function required<Head>(head: Head | undefined, field: string): Head {
  if (head === undefined) throw new MissingHeadError(field);
  return head;
}

/**
 * An encoder with fresh weights, the same for the same seed on every backend: embeddings and linear weights N(0, 0.02²),
 * smaller in the projections that end in the residual stream as in GPT-2, biases 0, norms 1.
 * @throws {ConfigError}
 * @throws {ParameterMemoryError} of `@tessera-lm/layers`, for weights that do not fit into memory
 */
export function createEncoder(config: EncoderConfig, seed: number): Encoder {
  const random = randomGenerator(seed);
  return allOrNothing(() => assembleEncoder(resolveEncoderConfig(config), (shape, std) => normal(shape, std, random)));
}

/** An encoder whose weight matrices come from `initialize`. */
export function assembleEncoder(config: ResolvedEncoderConfig, initialize: Initializer): Encoder {
  const { vocabSize, contextLength, numTokenTypes, numLayers, width, positions, bias, numLabels } = config;
  const blocks = encoderBlocks(config);
  const rotary =
    positions === "rotary" ? createRotary({ headWidth: blocks.headWidth, theta: config.ropeTheta }) : undefined;
  const table = (count: number): Embedding => createEmbedding({ count, width }, initialize);
  const linear = (outputs: number): Projection => createLinear({ inputs: width, outputs, bias }, initialize);
  return new Encoder({
    config,
    tokenEmbedding: table(vocabSize),
    positionEmbedding: positions === "learned" ? table(contextLength) : undefined,
    tokenTypeEmbedding: numTokenTypes > 0 ? table(numTokenTypes) : undefined,
    embeddingNorm: createNorm(config),
    blocks: Array.from({ length: numLayers }, () =>
      createTransformerBlock(blocks, { causal: false, rotary }, initialize),
    ),
    finalNorm: config.postNorm ? undefined : createNorm(config),
    pooler: config.pooler ? linear(width) : undefined,
    maskedHead: config.maskedHead ? createMaskedHead(config, initialize) : undefined,
    classifier: numLabels === undefined ? undefined : linear(numLabels),
  });
}
