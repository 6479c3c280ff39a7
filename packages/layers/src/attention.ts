import { split, type Tensor, type Tensor3D, type Tensor4D, tidy } from "@tensorflow/tfjs";
import { attentionWeights, selfAttention } from "@tessera-lm/ops";
import { atSite, dropoutAt, keptIn, withDropout } from "./forward-options.ts";
import type { Initializer } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import { createLinear, type Projection } from "./linear.ts";

/**
 * Causal multi-head self-attention (Vaswani et al. 2017): softmax(q · kᵀ / √D) · v in each of H heads, with dropout on
 * the attention probabilities and on the output.
 */
export class SelfAttention {
  qkv: Projection; // (C, 3·H·D): query, key and value side by side
  output: Projection; // (H·D, C)
  readonly numHeads: number;
  readonly dropout: number;

  constructor(parts: Pick<SelfAttention, "qkv" | "output" | "numHeads" | "dropout">) {
    this.qkv = parts.qkv;
    this.output = parts.output;
    this.numHeads = parts.numHeads;
    this.dropout = parts.dropout;
  }

  /** (B, T, C) → (B, T, C) */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return tidy(() => {
      const qkv = this.qkv.forward(x, atSite(options, 0)) as Tensor3D; // (B, T, 3·H·D)
      const mixed = this.#mixed(qkv, options); // (B, T, H·D)
      return withDropout(this.output.forward(mixed, atSite(options, 2)), this.dropout, options, 3); // (B, T, C)
    });
  }

  /** What each head mixes the values with, (B, T, C) → (B, H, T, T): to look at, `forward` never holds it. */
  attentionWeights(x: Tensor): Tensor4D {
    return tidy(() => {
      const [query, key] = split(this.qkv.forward(x), 3, 2) as [Tensor3D, Tensor3D, Tensor3D]; // (B, T, H·D)
      return attentionWeights(query, key, { numHeads: this.numHeads, causal: true });
    });
  }

  #mixed(qkv: Tensor3D, options?: ForwardOptions): Tensor3D {
    const { numHeads } = this;
    const kept = keptIn(options);
    if (kept === undefined) {
      return selfAttention(qkv, { numHeads, causal: true, dropout: dropoutAt(this.dropout, options, 1) });
    }
    const [query, key, value] = split(qkv, 3, 2) as [Tensor3D, Tensor3D, Tensor3D];
    return kept.cache.attend(query, key, value, kept.positions, { numHeads });
  }
}

export interface SelfAttentionOptions {
  /** Features of a token; a multiple of `numHeads`. */
  readonly width: number;
  readonly numHeads: number;
  /** Whether the two projections have biases. Default true. */
  readonly bias?: boolean;
  /** Rate of dropout. Default 0. */
  readonly dropout?: number;
  /** Standard deviation of `output`'s weight at the start. Default 0.02; GPT-2 takes 0.02 / √(2 · numLayers). */
  readonly outputStd?: number;
}

export function createSelfAttention(options: SelfAttentionOptions, initialize: Initializer): SelfAttention {
  const { width, numHeads, bias, dropout = 0, outputStd } = options;
  const qkv = createLinear({ inputs: width, outputs: 3 * width, bias }, initialize);
  const output = createLinear({ inputs: width, outputs: width, bias, std: outputStd }, initialize);
  return new SelfAttention({ qkv, output, numHeads, dropout });
}
