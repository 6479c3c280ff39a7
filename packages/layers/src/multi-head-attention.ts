import {
  add,
  cast,
  mul,
  reshape,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
} from "@tensorflow/tfjs";
import { attention, attentionWeights, type KeyValues } from "@tessera-lm/ops";
import { atSite, dropoutAt, keptIn, withDropout } from "./forward-options.ts";
import type { Initializer } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { LayerCache } from "./layer-cache.ts";
import { createLinear, type Projection } from "./linear.ts";
import { alibiBias, alibiByDistance } from "./positions.ts";
import type { RelativePosition } from "./relative-position.ts";
import type { Rotary } from "./rotary.ts";

/** What {@link MultiHeadAttention} is made of. */
export interface MultiHeadAttentionParts {
  query: Projection; // (C, H·D)
  key: Projection; // (C, G·D)
  value: Projection; // (C, G·D)
  output: Projection; // (H·D, C)
  readonly numHeads: number;
  /** G: as many heads share a key and a value as H / G. */
  readonly numKeyValueHeads: number;
  /** Whether a query sees only what came before. */
  readonly causal: boolean;
  /** How many keys a causal query sees at most. Default: all. */
  readonly slidingWindow?: number;
  /** Turns queries and keys. */
  readonly rotary?: Rotary;
  /** Whether far keys count less, by slopes (ALiBi); causal only. */
  readonly alibi?: boolean;
  /** Adds a learned number by distance. */
  readonly relativePosition?: RelativePosition;
  /** What scores are multiplied by. Default 1 / √D. */
  readonly scale?: number;
  readonly dropout: number;
}

/**
 * Attention with query, key and value apart (Vaswani et al. 2017), as in Llama, BERT and T5: softmax(q · kᵀ · scale +
 * bias) · v in each of H heads, with dropout on the attention probabilities and on the output.
 */
export class MultiHeadAttention implements Projection {
  query: Projection;
  key: Projection;
  value: Projection;
  output: Projection;
  readonly relativePosition?: RelativePosition;
  readonly numHeads: number;
  readonly numKeyValueHeads: number;
  readonly causal: boolean;
  readonly slidingWindow?: number;
  readonly rotary?: Rotary;
  readonly alibi: boolean;
  readonly scale?: number;
  readonly dropout: number;

  constructor(parts: MultiHeadAttentionParts) {
    this.query = parts.query;
    this.key = parts.key;
    this.value = parts.value;
    this.output = parts.output;
    this.relativePosition = parts.relativePosition;
    this.numHeads = parts.numHeads;
    this.numKeyValueHeads = parts.numKeyValueHeads;
    this.causal = parts.causal;
    this.slidingWindow = parts.slidingWindow;
    this.rotary = parts.rotary;
    this.alibi = parts.alibi ?? false;
    this.scale = parts.scale;
    this.dropout = parts.dropout;
  }

  /**
   * (B, T, C) → (B, T, C).
   * @param memory what keys and values are made of: x itself (default), or an encoder's output, (B, S, C), or (1, S, C)
   *   for all sequences
   */
  forward(x: Tensor, options?: ForwardOptions, memory: Tensor = x): Tensor {
    return tidy(() => {
      const { positions, layerCache } = options ?? {};
      const query = this.#turned(this.query.forward(x, atSite(options, 0)), this.numHeads, positions); // (B, T, H·D)
      const read = (): KeyValues => ({
        keys: this.#turned(this.key.forward(memory, atSite(options, 1)), this.numKeyValueHeads, positions), // (B, S, G·D)
        values: this.value.forward(memory, atSite(options, 2)) as Tensor3D, // (B, S, G·D)
      });
      const mixed =
        memory === x
          ? this.#mixed(query, read(), options)
          : this.#mixedFromMemory(query, layerCache?.memory(memory, read) ?? read(), options); // (B, T, H·D)
      return withDropout(this.output.forward(mixed, atSite(options, 4)), this.dropout, options, 5); // (B, T, C)
    });
  }

  /** What each head mixes the values with, (B, T, C) → (B, H, T, S): to look at, `forward` never holds it. */
  attentionWeights(x: Tensor, options?: ForwardOptions, memory: Tensor = x): Tensor4D {
    return tidy(() => {
      const { numHeads, numKeyValueHeads: numGroups, slidingWindow: window, causal, scale } = this;
      const query = this.#turned(this.query.forward(x), numHeads, options?.positions); // (B, T, H·D)
      const key = this.#turned(this.key.forward(memory), numGroups, options?.positions); // (B, S, G·D)
      const bias = this.#bias(query.shape[1], key.shape[1], options?.mask);
      return attentionWeights(query, key, { numHeads, numGroups, causal, window, scale, bias });
    });
  }

  #turned(x: Tensor, numHeads: number, positions: Tensor2D | undefined): Tensor3D {
    return this.rotary ? this.rotary.turn(x, numHeads, positions) : (x as Tensor3D);
  }

  /** Of a memory that all sequences share, all queries may be those of one sequence: they see the same keys. */
  #mixedFromMemory(query: Tensor3D, memory: KeyValues, options?: ForwardOptions): Tensor3D {
    const isShared = memory.keys.shape[0] === 1;
    const queries: Tensor3D = isShared ? reshape(query, [1, -1, query.shape[2]]) : query;
    return reshape(this.#mixed(queries, memory, options), query.shape);
  }

  #mixed(query: Tensor3D, { keys: key, values: value }: KeyValues, options?: ForwardOptions): Tensor3D {
    const { numHeads, numKeyValueHeads: numGroups, slidingWindow: window, causal, scale } = this;
    const kept = causal ? keptIn(options) : undefined;
    if (kept) {
      const distanceBias = this.#distanceBias(kept.cache);
      const heads = { numHeads, numGroups, window, scale, distanceBias };
      return kept.cache.attend(query, key, value, kept.positions, heads);
    }
    const bias = this.#bias(query.shape[1], key.shape[1], options?.mask);
    const dropout = dropoutAt(this.dropout, options, 3);
    return attention(query, key, value, { numHeads, numGroups, causal, window, scale, bias, dropout });
  }

  /** What is added to the scores by distance, (capacity, H), from the tables of the cache. */
  #distanceBias(cache: LayerCache): Tensor2D | undefined {
    const { relativePosition, numHeads } = this;
    const terms = [
      ...(relativePosition ? [cache.table(relativePosition, (count) => relativePosition.byDistance(count))] : []),
      ...(this.alibi ? [cache.table("alibi", (count) => alibiByDistance(numHeads, count))] : []),
    ];
    return terms.length === 0 ? undefined : terms.reduce((sum, term) => add(sum, term));
  }

  /** What is added to the scores, (B | 1, H | 1, T | 1, S). */
  #bias(numQueries: number, numKeys: number, mask?: Tensor2D): Tensor4D | undefined {
    const terms = [
      ...(this.relativePosition ? [this.relativePosition.bias(numQueries, numKeys)] : []),
      ...(this.alibi ? [alibiBias(this.numHeads, numKeys)] : []),
      ...(mask ? [paddingBias(mask)] : []),
    ];
    return terms.length === 0 ? undefined : terms.reduce((sum, term) => add(sum, term));
  }
}

/** 0 at the keys that may be seen, −10⁹ at the others: (B, S) → (B, 1, 1, S). */
function paddingBias(mask: Tensor2D): Tensor4D {
  const [batch, numKeys] = mask.shape;
  return reshape(mul(sub(cast(mask, "float32"), 1), 1e9), [batch, 1, 1, numKeys]);
}

export interface MultiHeadAttentionOptions
  extends Pick<
    MultiHeadAttentionParts,
    "numHeads" | "slidingWindow" | "rotary" | "alibi" | "relativePosition" | "scale"
  > {
  /** Features of a token. */
  readonly width: number;
  /** Divides `numHeads`. Default `numHeads`. */
  readonly numKeyValueHeads?: number;
  /** D, features of a head. Default width / numHeads. */
  readonly headWidth?: number;
  /** Default true. */
  readonly causal?: boolean;
  /** Whether the four projections have biases. Default true. */
  readonly bias?: boolean;
  /** Whether those of query, key and value have them. Default `bias`. */
  readonly queryKeyValueBias?: boolean;
  /** Rate of dropout. Default 0. */
  readonly dropout?: number;
  /** Standard deviation of `output`'s weight at the start. Default 0.02. */
  readonly outputStd?: number;
}

export function createMultiHeadAttention(
  options: MultiHeadAttentionOptions,
  initialize: Initializer,
): MultiHeadAttention {
  const { width, numHeads, numKeyValueHeads = numHeads, headWidth = width / numHeads } = options;
  const { causal = true, bias = true, queryKeyValueBias = bias, dropout = 0, outputStd } = options;
  const inward = (heads: number): Projection =>
    createLinear({ inputs: width, outputs: heads * headWidth, bias: queryKeyValueBias }, initialize);
  return new MultiHeadAttention({
    ...options,
    query: inward(numHeads),
    key: inward(numKeyValueHeads),
    value: inward(numKeyValueHeads),
    output: createLinear({ inputs: numHeads * headWidth, outputs: width, bias, std: outputStd }, initialize),
    numKeyValueHeads,
    causal,
    dropout,
  });
}
