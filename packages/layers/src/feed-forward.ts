import { mul, type Tensor, tidy } from "@tensorflow/tfjs";
import { swiglu } from "@tessera-lm/ops";
import { type Activation, activate } from "./activation.ts";
import { atSite, withDropout } from "./forward-options.ts";
import type { Initializer } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import { createLinear, type Projection } from "./linear.ts";

/** y = down(activation(up(x))), with dropout on the output: the feed-forward part of GPT-2. */
export class FeedForward implements Projection {
  up: Projection; // (C, F)
  down: Projection; // (F, C)
  readonly activation: Activation;
  readonly dropout: number;

  constructor(parts: Pick<FeedForward, "up" | "down" | "activation" | "dropout">) {
    this.up = parts.up;
    this.down = parts.down;
    this.activation = parts.activation;
    this.dropout = parts.dropout;
  }

  /** (…, C) → (…, C) */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return tidy(() => {
      const up = this.up.forward(x, atSite(options, 0)); // (…, F)
      const active = activate(up, this.activation); // (…, F)
      return withDropout(this.down.forward(active, atSite(options, 1)), this.dropout, options, 2); // (…, C)
    });
  }
}

export interface FeedForwardOptions {
  readonly width: number;
  /** F, the features between `up` and `down`. Default 4 · width. */
  readonly hiddenWidth?: number;
  /** Default `gelu-tanh`. */
  readonly activation?: Activation;
  /** Whether the projections have biases. Default true. */
  readonly bias?: boolean;
  /** Rate of dropout. Default 0. */
  readonly dropout?: number;
  /** Standard deviation of `down`'s weight at the start. Default 0.02; GPT-2 takes 0.02 / √(2 · numLayers). */
  readonly outputStd?: number;
}

export function createFeedForward(options: FeedForwardOptions, initialize: Initializer): FeedForward {
  const { width, hiddenWidth = 4 * width, activation = "gelu-tanh", bias, dropout = 0, outputStd } = options;
  const up = createLinear({ inputs: width, outputs: hiddenWidth, bias }, initialize);
  const down = createLinear({ inputs: hiddenWidth, outputs: width, bias, std: outputStd }, initialize);
  return new FeedForward({ up, down, activation, dropout });
}

/**
 * y = down(activation(gate(x)) · up(x)), with dropout on the output (Shazeer 2020): SwiGLU as in Llama with `silu`, the
 * gated GELU of T5 1.1 with `gelu-tanh`.
 */
export class GatedFeedForward implements Projection {
  gate: Projection; // (C, F)
  up: Projection; // (C, F)
  down: Projection; // (F, C)
  readonly activation: Activation;
  readonly dropout: number;

  constructor(parts: Pick<GatedFeedForward, "gate" | "up" | "down" | "activation" | "dropout">) {
    this.gate = parts.gate;
    this.up = parts.up;
    this.down = parts.down;
    this.activation = parts.activation;
    this.dropout = parts.dropout;
  }

  /** (…, C) → (…, C) */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return tidy(() => {
      const gate = this.gate.forward(x, atSite(options, 0)); // (…, F)
      const up = this.up.forward(x, atSite(options, 1)); // (…, F)
      const hidden = this.activation === "silu" ? swiglu(gate, up) : mul(activate(gate, this.activation), up); // (…, F)
      return withDropout(this.down.forward(hidden, atSite(options, 2)), this.dropout, options, 3); // (…, C)
    });
  }
}

export interface GatedFeedForwardOptions extends Omit<FeedForwardOptions, "hiddenWidth"> {
  /** F, the features between the two inner projections and `down`. Llama takes 8/3 · width, rounded up. */
  readonly hiddenWidth: number;
  /** Of the gate. Default `silu`. */
  readonly activation?: Activation;
}

export function createGatedFeedForward(options: GatedFeedForwardOptions, initialize: Initializer): GatedFeedForward {
  const { width, hiddenWidth, activation = "silu", bias = false, dropout = 0, outputStd } = options;
  const gate = createLinear({ inputs: width, outputs: hiddenWidth, bias }, initialize);
  const up = createLinear({ inputs: width, outputs: hiddenWidth, bias }, initialize);
  const down = createLinear({ inputs: hiddenWidth, outputs: width, bias, std: outputStd }, initialize);
  return new GatedFeedForward({ gate, up, down, activation, dropout });
}
