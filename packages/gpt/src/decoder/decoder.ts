import { range, type Scalar, type Tensor, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs";
import {
  allOrNothing,
  atLayer,
  atSite,
  checkpointed,
  createEmbedding,
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
import { add, embedding } from "@tessera-lm/ops";
import { createNorm, createTransformerBlock, type TransformerBlock } from "../blocks.ts";
import { SequenceTooLongError } from "../errors.ts";
import { lastPosition, modelPass, rows } from "../model-pass.ts";
import { summedLoss, tokenLosses } from "../token-losses.ts";
import { type DecoderConfig, type ResolvedDecoderConfig, resolveDecoderConfig } from "./decoder-config.ts";

/**
 * A decoder-only language model of which every part is a field of its configuration: Llama, Mistral, Qwen2, and whatever
 * else a person puts together. Frees what it computes on the way: only the result of a method is the caller's.
 *
 * Every method throws VocabularyError for a token or target that the model does not know, on the `cpu` and `wasm`
 * backends. On others it would have to wait for a GPU: check ids with `checkTokens` before they become tensors.
 */
export class Decoder implements LanguageModel {
  readonly config: ResolvedDecoderConfig;
  tokenEmbedding: EmbeddingTable; // (V, C)
  positionEmbedding?: Embedding; // (contextLength, C), for learned positions
  blocks: TransformerBlock[];
  finalNorm?: Projection; // none after post-norm blocks
  head?: EmbeddingTable; // (V, C), unless it is the token embedding

  constructor(
    parts: Pick<Decoder, "config" | "tokenEmbedding" | "positionEmbedding" | "blocks" | "finalNorm" | "head">,
  ) {
    this.config = parts.config;
    this.tokenEmbedding = parts.tokenEmbedding;
    this.positionEmbedding = parts.positionEmbedding;
    this.blocks = parts.blocks;
    this.finalNorm = parts.finalNorm;
    this.head = parts.head;
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  get contextLength(): number {
    return this.config.contextLength;
  }

  /** `config.endOfText` */
  get stopTokens(): readonly number[] {
    return [this.config.endOfText ?? []].flat();
  }

  get supportsCache(): boolean {
    return true;
  }

  /**
   * tokens (B, T) int32 → logits (B, T, V); with `lastOnly` (B, 1, V).
   * @throws {SequenceTooLongError} if T is greater than `contextLength`
   */
  forward(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    return modelPass(this.vocabSize, () => {
      const hidden = this.hidden(tokens, options); // (B, T, C)
      const [batch, time] = hidden.shape;
      return this.#head.logits(rows(hidden)).reshape([batch, time, this.vocabSize]); // (B, T, V)
    });
  }

  /**
   * −log p(target) in nats at every position, (B, T) → (B, T); 0 where the target is −1. All logits never exist at once,
   * unless gradients are wanted: then sum with `loss`.
   */
  tokenLosses(tokens: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Tensor2D {
    return modelPass(this.vocabSize, () => {
      const hidden = rows(this.hidden(tokens, options)); // (B·T, C)
      return tokenLosses(this.#head, hidden, targets.flatten()).reshape(targets.shape); // (B, T)
    });
  }

  /** Σ tokenLosses, without ever holding all logits: the quantity to differentiate in training. */
  loss(tokens: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Scalar {
    return modelPass(this.vocabSize, () => {
      const hidden = rows(this.hidden(tokens, options)); // (B·T, C)
      return summedLoss(this.#head, hidden, targets.flatten());
    });
  }

  /** What the head reads: the features after the last norm, (B, T) → (B, T, C); with `lastOnly` (B, 1, C). */
  hidden(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    return modelPass(this.vocabSize, () => {
      let x = this.#embed(tokens, options); // (B, T, C)
      this.blocks.forEach((block, layer) => {
        x = checkpointed(block, x, atLayer(atSite(options, layer + 1), layer)); // (B, T, C)
      });
      if (options?.lastOnly) x = lastPosition(x);
      return (this.finalNorm ? this.finalNorm.forward(x) : x) as Tensor3D;
    });
  }

  get #head(): EmbeddingTable {
    return this.head ?? this.tokenEmbedding;
  }

  #embed(tokens: Tensor2D, options?: ForwardOptions): Tensor {
    const time = tokens.shape[1];
    if (time > this.contextLength) throw new SequenceTooLongError("Decoder", time, this.contextLength);
    const embedded = this.tokenEmbedding.forward(tokens); // (B, T, C)
    const positions = this.#positions(time, options); // (B, T, C) or (T, C)
    return withDropout(positions ? add(embedded, positions) : embedded, this.config.dropout, options, 0);
  }

  #positions(time: number, { positions, cache }: ForwardOptions = {}): Tensor | undefined {
    if (this.positionEmbedding) return this.positionEmbedding.forward(positions ?? range(0, time, 1, "int32"));
    if (this.config.positions !== "sinusoidal") return undefined;
    if (positions === undefined) return sinusoidalPositions(0, time, this.config.width);
    const table = (count: number): Tensor2D => sinusoidalPositions(0, count, this.config.width);
    return embedding(positions, cache?.table("sinusoidal", table) ?? table(this.contextLength));
  }
}

/**
 * A decoder with fresh weights, the same for the same seed on every backend, as GPT-2 starts: embeddings and linear
 * weights N(0, 0.02²), the two projections of each block that end in the residual stream N(0, (0.02 / √(2 ·
 * numLayers))²), biases 0, norms 1.
 * @throws {ConfigError}
 * @throws {ParameterMemoryError} of `@tessera-lm/layers`, for weights that do not fit into memory
 */
export function createDecoder(config: DecoderConfig, seed: number): Decoder {
  const random = randomGenerator(seed);
  return allOrNothing(() => assembleDecoder(resolveDecoderConfig(config), (shape, std) => normal(shape, std, random)));
}

/** A decoder whose weight matrices come from `initialize`. */
export function assembleDecoder(config: ResolvedDecoderConfig, initialize: Initializer): Decoder {
  const { vocabSize, contextLength, numLayers, width, positions, tieEmbeddings, postNorm } = config;
  const full = new Set(config.fullAttentionLayers);
  const rotary =
    positions === "rotary"
      ? createRotary({ ...config, theta: config.ropeTheta, scaling: config.ropeScaling })
      : undefined;
  return new Decoder({
    config,
    tokenEmbedding: createEmbedding({ count: vocabSize, width }, initialize),
    positionEmbedding:
      positions === "learned" ? createEmbedding({ count: contextLength, width }, initialize) : undefined,
    blocks: Array.from({ length: numLayers }, (_, layer) => {
      const slidingWindow = full.has(layer) ? undefined : config.slidingWindow;
      return createTransformerBlock(config, { slidingWindow, rotary, alibi: positions === "alibi" }, initialize);
    }),
    finalNorm: postNorm ? undefined : createNorm(config),
    head: tieEmbeddings ? undefined : createEmbedding({ count: vocabSize, width }, initialize),
  });
}
