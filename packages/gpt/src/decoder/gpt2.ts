import { range, type Scalar, type Tensor, type Tensor2D, type Tensor3D } from "@tensorflow/tfjs";
import {
  allOrNothing,
  atLayer,
  atSite,
  type Block,
  checkpointed,
  createBlock,
  createEmbedding,
  createLayerNorm,
  type Embedding,
  type EmbeddingTable,
  type ForwardOptions,
  type Initializer,
  type LanguageModel,
  type LayerNorm,
  normal,
  randomGenerator,
  withDropout,
} from "@tessera-lm/layers";
import { add } from "@tessera-lm/ops";
import { type Gpt2Config, type ResolvedGpt2Config, resolveConfig } from "../config.ts";
import { SequenceTooLongError } from "../errors.ts";
import { lastPosition, modelPass, rows } from "../model-pass.ts";
import { summedLoss, tokenLosses } from "../token-losses.ts";

/**
 * GPT-2 (Radford et al. 2019): learned positions, pre-norm blocks, a final norm, and an output head that is usually
 * the token embedding transposed. Frees what it computes on the way: only the result of a method is the caller's.
 *
 * Every method throws VocabularyError for a token or target that the model does not know, on the `cpu` and
 * `wasm` backends. On others it would have to wait for a GPU: check ids with `checkTokens` before they become tensors.
 */
export class Gpt2 implements LanguageModel {
  readonly config: ResolvedGpt2Config;
  tokenEmbedding: EmbeddingTable; // (V, C), also the head, unless there is one
  positionEmbedding: Embedding; // (contextLength, C)
  blocks: Block[];
  finalNorm: LayerNorm;
  head?: EmbeddingTable; // (V, C)

  constructor(parts: Pick<Gpt2, "config" | "tokenEmbedding" | "positionEmbedding" | "blocks" | "finalNorm" | "head">) {
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

  /** What the head reads: the features after the final norm, (B, T) → (B, T, C); with `lastOnly` (B, 1, C). */
  hidden(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    return modelPass(this.vocabSize, () => {
      let x = this.#embed(tokens, options); // (B, T, C)
      this.blocks.forEach((block, layer) => {
        x = checkpointed(block, x, atLayer(atSite(options, layer + 1), layer)); // (B, T, C)
      });
      return this.finalNorm.forward(options?.lastOnly ? lastPosition(x) : x) as Tensor3D;
    });
  }

  get #head(): EmbeddingTable {
    return this.head ?? this.tokenEmbedding;
  }

  #embed(tokens: Tensor2D, options?: ForwardOptions): Tensor {
    const time = tokens.shape[1];
    if (time > this.contextLength) throw new SequenceTooLongError("Gpt2", time, this.contextLength);
    const positions = this.positionEmbedding.forward(options?.positions ?? range(0, time, 1, "int32")); // (B, T, C) or (T, C)
    const embedded = add(this.tokenEmbedding.forward(tokens), positions); // (B, T, C)
    return withDropout(embedded, this.config.dropout, options, 0);
  }
}

/**
 * A GPT-2 with fresh weights, the same for the same seed on every backend: embeddings and linear weights N(0, 0.02²),
 * the two projections of each block that end in the residual stream N(0, (0.02 / √(2 · numLayers))²), biases 0, norms 1.
 * Positions start like tokens, as in nanoGPT; OpenAI's code took 0.01 for them.
 * @throws {ConfigError}
 * @throws {ParameterMemoryError} of `@tessera-lm/layers`, for weights that do not fit into memory
 */
export function createGpt2(config: Gpt2Config, seed: number): Gpt2 {
  const random = randomGenerator(seed);
  return allOrNothing(() => assembleGpt2(config, (shape, std) => normal(shape, std, random)));
}

/** A GPT-2 whose weight matrices come from `initialize`. @throws {ConfigError} */
export function assembleGpt2(config: Gpt2Config, initialize: Initializer): Gpt2 {
  const resolved = resolveConfig(config);
  const { vocabSize, contextLength, numLayers, width, feedForwardWidth, bias, layerNormEpsilon } = resolved;
  const block = { ...resolved, hiddenWidth: feedForwardWidth, outputStd: 0.02 / Math.sqrt(2 * numLayers) };
  return new Gpt2({
    config: resolved,
    tokenEmbedding: createEmbedding({ count: vocabSize, width }, initialize),
    positionEmbedding: createEmbedding({ count: contextLength, width }, initialize),
    blocks: Array.from({ length: numLayers }, () => createBlock(block, initialize)),
    finalNorm: createLayerNorm({ width, bias, epsilon: layerNormEpsilon }),
    head: resolved.tieEmbeddings ? undefined : createEmbedding({ count: vocabSize, width }, initialize),
  });
}
