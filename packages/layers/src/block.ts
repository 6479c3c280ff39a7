import { type Tensor, tidy } from "@tensorflow/tfjs";
import { add } from "@tessera-lm/ops";
import { createSelfAttention, type SelfAttention, type SelfAttentionOptions } from "./attention.ts";
import { createFeedForward, type FeedForward, type FeedForwardOptions } from "./feed-forward.ts";
import { atSite } from "./forward-options.ts";
import type { Initializer } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { Projection } from "./linear.ts";
import { createLayerNorm } from "./norm.ts";

/** One transformer block, norms first: x += attention(norm(x)), then x += feedForward(norm(x)). GPT-2's by default. */
export class Block<A extends Projection = SelfAttention, F extends Projection = FeedForward> implements Projection {
  attentionNorm: Projection;
  attention: A;
  feedForwardNorm: Projection;
  feedForward: F;

  constructor(parts: Pick<Block<A, F>, "attentionNorm" | "attention" | "feedForwardNorm" | "feedForward">) {
    this.attentionNorm = parts.attentionNorm;
    this.attention = parts.attention;
    this.feedForwardNorm = parts.feedForwardNorm;
    this.feedForward = parts.feedForward;
  }

  /** (B, T, C) → (B, T, C) */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return tidy(() => {
      const attended = add(x, this.attention.forward(this.attentionNorm.forward(x), atSite(options, 0))); // (B, T, C)
      const normed = this.feedForwardNorm.forward(attended); // (B, T, C)
      return add(attended, this.feedForward.forward(normed, atSite(options, 1))); // (B, T, C)
    });
  }
}

/** The block of the first transformers and of BERT, norms last: x = norm(x + attention(x)), x = norm(x + feedForward(x)). */
export class PostNormBlock<A extends Projection = Projection, F extends Projection = Projection> extends Block<A, F> {
  /** (B, T, C) → (B, T, C) */
  override forward(x: Tensor, options?: ForwardOptions): Tensor {
    return tidy(() => {
      const attended = this.attentionNorm.forward(add(x, this.attention.forward(x, atSite(options, 0)))); // (B, T, C)
      return this.feedForwardNorm.forward(add(attended, this.feedForward.forward(attended, atSite(options, 1))));
    });
  }
}

export interface BlockOptions extends SelfAttentionOptions, FeedForwardOptions {
  /** ε of the two norms. Default 1e-5. */
  readonly layerNormEpsilon?: number;
}

/** The block of GPT-2: layer norms, self-attention, and a feed-forward part of two layers. */
export function createBlock(options: BlockOptions, initialize: Initializer): Block {
  const norm = { width: options.width, bias: options.bias, epsilon: options.layerNormEpsilon };
  return new Block({
    attentionNorm: createLayerNorm(norm),
    attention: createSelfAttention(options, initialize),
    feedForwardNorm: createLayerNorm(norm),
    feedForward: createFeedForward(options, initialize),
  });
}
