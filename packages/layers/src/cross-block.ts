import { type Tensor, type Tensor2D, tidy } from "@tensorflow/tfjs";
import { add } from "@tessera-lm/ops";
import { atSite } from "./forward-options.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { Projection } from "./linear.ts";
import type { MultiHeadAttention } from "./multi-head-attention.ts";

/** What a block may be told that reads another sequence besides. */
export interface CrossOptions extends ForwardOptions {
  /** (B, S): 1 where the other sequence has tokens, 0 where it has padding. Stays the caller's, as `mask` does. */
  readonly memoryMask?: Tensor2D;
}

/**
 * The block of a decoder that reads an encoder's output (Vaswani et al. 2017), norms first: x += attention(norm(x)), then
 * x += crossAttention(norm(x), memory), then x += feedForward(norm(x)).
 */
export class CrossBlock {
  attentionNorm: Projection;
  attention: Projection;
  crossAttentionNorm: Projection;
  crossAttention: MultiHeadAttention;
  feedForwardNorm: Projection;
  feedForward: Projection;

  constructor(parts: Omit<CrossBlock, "forward">) {
    this.attentionNorm = parts.attentionNorm;
    this.attention = parts.attention;
    this.crossAttentionNorm = parts.crossAttentionNorm;
    this.crossAttention = parts.crossAttention;
    this.feedForwardNorm = parts.feedForwardNorm;
    this.feedForward = parts.feedForward;
  }

  /**
   * (B, T, C) → (B, T, C)
   * @param memory what is read besides, (B, S, C)
   */
  forward(x: Tensor, options: CrossOptions | undefined, memory: Tensor): Tensor {
    return tidy(() => {
      const attended = add(x, this.attention.forward(this.attentionNorm.forward(x), atSite(options, 0))); // (B, T, C)
      const reading = { ...atSite(options, 1), mask: options?.memoryMask };
      const read = this.crossAttention.forward(this.crossAttentionNorm.forward(attended), reading, memory); // (B, T, C)
      const informed = add(attended, read);
      return add(informed, this.feedForward.forward(this.feedForwardNorm.forward(informed), atSite(options, 2)));
    });
  }
}
