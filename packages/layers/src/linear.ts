import type { Rank, Tensor } from "@tensorflow/tfjs";
import { linear } from "@tessera-lm/ops";
import { type Initializer, zeros } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { Parameter } from "./parameter.ts";

/**
 * A map from features to features, (…, I) → (…, O). Modules hold their parts by this interface, so that replacing one
 * (by a low-rank adapter around it, say) is assigning a property.
 */
export interface Projection {
  forward(x: Tensor, options?: ForwardOptions): Tensor;
}

/** y = x · weight + bias. The weight is (inputs, outputs), as in GPT-2's own files: the transpose of PyTorch's. */
export class Linear implements Projection {
  readonly weight: Parameter<Rank.R2>; // (I, O)
  readonly bias?: Parameter<Rank.R1>; // (O)

  constructor(weight: Parameter<Rank.R2>, bias?: Parameter<Rank.R1>) {
    this.weight = weight;
    this.bias = bias;
  }

  /** (…, I) → (…, O) */
  forward(x: Tensor, _options?: ForwardOptions): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Default true. */
  readonly bias?: boolean;
  /** Standard deviation of the weight at the start. Default 0.02, as in GPT-2. The bias starts at 0. */
  readonly std?: number;
}

export function createLinear(options: LinearOptions, initialize: Initializer): Linear {
  const { inputs, outputs, bias = true, std = 0.02 } = options;
  return new Linear(initialize<Rank.R2>([inputs, outputs], std), bias ? zeros<Rank.R1>([outputs]) : undefined);
}
