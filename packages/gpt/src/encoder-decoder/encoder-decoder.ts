import {
  concat,
  fill,
  less,
  mul,
  type Scalar,
  scalar,
  slice,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  where,
} from "@tensorflow/tfjs";
import {
  allOrNothing,
  atLayer,
  atSite,
  CrossBlock,
  checkpointed,
  createEmbedding,
  createMultiHeadAttention,
  createRelativePosition,
  type EmbeddingTable,
  type ForwardOptions,
  type Initializer,
  normal,
  type Projection,
  type RelativePosition,
  randomGenerator,
  type SequenceToSequenceModel,
  withDropout,
} from "@tessera-lm/layers";
import { type BlockConfig, createNorm, createTransformerBlock, type TransformerBlock } from "../blocks.ts";
import { GenerationError } from "../errors.ts";
import { lastPosition, modelPass, rows } from "../model-pass.ts";
import { summedLoss, tokenLosses } from "../token-losses.ts";
import {
  type EncoderDecoderConfig,
  encoderDecoderBlocks,
  type ResolvedEncoderDecoderConfig,
  resolveEncoderDecoderConfig,
} from "./encoder-decoder-config.ts";
import { Writer } from "./writer.ts";

/** Blocks, and the norm after the last of them. */
export interface Stack<Block> {
  blocks: Block[];
  finalNorm: Projection;
}

/**
 * An encoder-decoder model: T5, which writes a text from another one. Attention has no scale and no positions but
 * learned numbers by distance, which all blocks of a stack share. Frees what it computes on the way: only the result of
 * a method is the caller's. `mask` in the options says where the inputs have tokens and where padding.
 *
 * Every method throws VocabularyError for a token or target that the model does not know, on the `cpu` and `wasm`
 * backends.
 */
export class EncoderDecoder implements SequenceToSequenceModel {
  readonly config: ResolvedEncoderDecoderConfig;
  tokenEmbedding: EmbeddingTable; // (V, C), of both stacks
  encoder: Stack<TransformerBlock>;
  decoder: Stack<CrossBlock>;
  head?: EmbeddingTable; // (V, C), unless it is the token embedding

  constructor(parts: Pick<EncoderDecoder, "config" | "tokenEmbedding" | "encoder" | "decoder" | "head">) {
    this.config = parts.config;
    this.tokenEmbedding = parts.tokenEmbedding;
    this.encoder = parts.encoder;
    this.decoder = parts.decoder;
    this.head = parts.head;
  }

  get vocabSize(): number {
    return this.config.vocabSize;
  }

  /** inputs (B, S) and what is written so far (B, T), both int32 → logits (B, T, V) of each next token. */
  forward(inputs: Tensor2D, written: Tensor2D, options?: ForwardOptions): Tensor3D {
    return modelPass(this.vocabSize, () => this.decode(this.encode(inputs, options), written, options));
  }

  /** −log p(target) in nats, (B, T) → (B, T), where each target follows those before it; 0 where it is −1. */
  tokenLosses(inputs: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Tensor2D {
    return modelPass(this.vocabSize, () => {
      const hidden = rows(this.#decoded(this.encode(inputs, options), this.#shifted(targets), options)); // (B·T, C)
      return tokenLosses(this.#head, hidden, targets.flatten()).reshape(targets.shape); // (B, T)
    });
  }

  /** Σ tokenLosses, without ever holding all logits: the quantity to differentiate in training. */
  loss(inputs: Tensor2D, targets: Tensor2D, options?: ForwardOptions): Scalar {
    return modelPass(this.vocabSize, () => {
      const hidden = rows(this.#decoded(this.encode(inputs, options), this.#shifted(targets), options)); // (B·T, C)
      return summedLoss(this.#head, hidden, targets.flatten());
    });
  }

  /** What the decoder reads of the inputs, (B, S) → (B, S, C). */
  encode(inputs: Tensor2D, options?: ForwardOptions): Tensor3D {
    return modelPass(this.vocabSize, () => {
      const { blocks, finalNorm } = this.encoder;
      const within = atSite(options, 0);
      let x = withDropout(this.tokenEmbedding.forward(inputs), this.config.dropout, within, 0); // (B, S, C)
      blocks.forEach((block, layer) => {
        x = checkpointed(block, x, atSite(within, layer + 2)); // (B, S, C)
      });
      return withDropout(finalNorm.forward(x), this.config.dropout, within, 1) as Tensor3D;
    });
  }

  /**
   * Logits (B, T, V) of what follows what is written so far, (B, T); with `lastOnly` (B, 1, V). With a cache `written`
   * is what is new, and the cache remembers what each layer reads of the memory: another memory needs another cache, and
   * so do other weights.
   * @param memory what `encode` gave, (B, S, C), or (1, S, C) for all sequences
   * @throws {CacheError} of `@tessera-lm/layers`, for a cache of another memory
   */
  decode(memory: Tensor3D, written: Tensor2D, options?: ForwardOptions): Tensor3D {
    return modelPass(this.vocabSize, () => {
      const hidden = this.#decoded(memory, written, options); // (B, T, C)
      const [batch, time] = hidden.shape;
      return this.#head.logits(rows(hidden)).reshape([batch, time, this.vocabSize]); // (B, T, V)
    });
  }

  /**
   * The model as one that continues what it has written from these inputs, (1, S), for `generate`: the prompt begins with
   * `config.decoderStartToken`. Dispose of it when done.
   * @throws {GenerationError} for more inputs than one
   */
  reading(inputs: Tensor2D, options?: ForwardOptions): Writer {
    const [batch] = inputs.shape;
    if (batch !== 1) {
      throw new GenerationError(
        `reading: a writer continues one text, but there are ${batch} inputs: read each alone.`,
      );
    }
    return new Writer(this, this.encode(inputs, options), options?.mask);
  }

  get #head(): EmbeddingTable {
    return this.head ?? this.tokenEmbedding;
  }

  /** What the head reads, (B, T, C); with `lastOnly` (B, 1, C). */
  #decoded(memory: Tensor3D, written: Tensor2D, options?: ForwardOptions): Tensor3D {
    const { blocks, finalNorm } = this.decoder;
    const within = { ...atSite(options, 1), mask: undefined, memoryMask: options?.mask };
    let x = withDropout(this.tokenEmbedding.forward(written), this.config.dropout, within, 0); // (B, T, C)
    blocks.forEach((block, layer) => {
      x = checkpointed(block, x, atLayer(atSite(within, layer + 2), layer), memory as Tensor); // (B, T, C)
    });
    const last = finalNorm.forward(options?.lastOnly ? lastPosition(x) : x);
    const hidden = withDropout(last, this.config.dropout, within, 1) as Tensor3D;
    return this.config.scaleOutputs ? mul(hidden, this.config.width ** -0.5) : hidden;
  }

  /** What is written before each target: the start token, then the targets but the last; padding for ignored ones. */
  #shifted(targets: Tensor2D): Tensor2D {
    const { decoderStartToken, padToken } = this.config;
    const [batch, time] = targets.shape;
    const before = slice(targets, [0, 0], [batch, time - 1]);
    const known = where(less(before, scalar(0, "int32")), fill(before.shape, padToken, "int32"), before);
    return concat([fill([batch, 1], decoderStartToken, "int32"), known], 1) as Tensor2D;
  }
}

/**
 * An encoder-decoder with fresh weights, the same for the same seed on every backend: all N(0, 0.02²), smaller in the
 * projections that end in the residual stream as in GPT-2, norms 1.
 * @throws {ConfigError}
 * @throws {ParameterMemoryError} of `@tessera-lm/layers`, for weights that do not fit into memory
 */
export function createEncoderDecoder(config: EncoderDecoderConfig, seed: number): EncoderDecoder {
  const random = randomGenerator(seed);
  return allOrNothing(() =>
    assembleEncoderDecoder(resolveEncoderDecoderConfig(config), (shape, std) => normal(shape, std, random)),
  );
}

/** An encoder-decoder whose weight matrices come from `initialize`. */
export function assembleEncoderDecoder(config: ResolvedEncoderDecoderConfig, initialize: Initializer): EncoderDecoder {
  const { vocabSize, width, numLayers, numDecoderLayers } = config;
  const blocks = encoderDecoderBlocks(config);
  const positions = (bidirectional: boolean): RelativePosition =>
    createRelativePosition({ ...config, bidirectional }, initialize);
  const stack = <Block>(count: number, create: () => Block): Stack<Block> => ({
    blocks: Array.from({ length: count }, create),
    finalNorm: createNorm(blocks),
  });
  const [ahead, behind] = [positions(true), positions(false)];
  return new EncoderDecoder({
    config,
    tokenEmbedding: createEmbedding({ count: vocabSize, width }, initialize),
    encoder: stack(numLayers, () =>
      createTransformerBlock(blocks, { causal: false, relativePosition: ahead, scale: 1 }, initialize),
    ),
    decoder: stack(numDecoderLayers, () => createCrossBlock(blocks, behind, initialize)),
    head: config.tieEmbeddings ? undefined : createEmbedding({ count: vocabSize, width }, initialize),
  });
}

function createCrossBlock(config: BlockConfig, positions: RelativePosition, initialize: Initializer): CrossBlock {
  const block = createTransformerBlock(config, { relativePosition: positions, scale: 1 }, initialize);
  return new CrossBlock({
    attentionNorm: block.attentionNorm,
    attention: block.attention,
    crossAttentionNorm: createNorm(config),
    crossAttention: createMultiHeadAttention({ ...config, causal: false, scale: 1 }, initialize),
    feedForwardNorm: block.feedForwardNorm,
    feedForward: block.feedForward,
  });
}
