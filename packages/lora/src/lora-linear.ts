import { add, mul, type Rank, type Tensor, tidy } from "@tensorflow/tfjs";
import {
  type ForwardOptions,
  Linear,
  type Parameter,
  type Projection,
  uniform,
  withDropout,
  zeros,
} from "@tessera-lm/layers";
import { linear } from "@tessera-lm/ops";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** The size and strength of an adapter. */
export interface LoraShape {
  /** r, the width of the bottleneck. */
  readonly rank: number;
  /** The update is multiplied by alpha / rank, or alpha / √rank when `rankStabilized`. */
  readonly alpha: number;
  /** Rate of dropout on the adapter's input, in training only. */
  readonly dropout: number;
  /** rsLoRA (Kalajdzievski 2023): divide alpha by √rank, so that a higher rank does not learn more slowly. */
  readonly rankStabilized: boolean;
}

/** alpha / rank, or alpha / √rank when rank-stabilised. */
export function loraScale({ rank, alpha, rankStabilized }: LoraShape): number {
  return alpha / (rankStabilized ? Math.sqrt(rank) : rank);
}

/**
 * y = x · weight + bias + scale · dropout(x) · loraA · loraB (Hu et al. 2021): a linear layer and a low-rank update of it
 * beside. Weight and bias are those of the layer it was made from, not copies, under the same names.
 */
export class LoraLinear implements Projection {
  readonly weight: Parameter<Rank.R2>; // (I, O)
  readonly bias?: Parameter<Rank.R1>; // (O)
  readonly loraA: Parameter<Rank.R2>; // (I, r): the transpose of PEFT's lora_A
  readonly loraB: Parameter<Rank.R2>; // (r, O): the transpose of PEFT's lora_B
  readonly lora: LoraShape;

  constructor(base: Linear, loraA: Parameter<Rank.R2>, loraB: Parameter<Rank.R2>, lora: LoraShape) {
    this.weight = base.weight;
    this.bias = base.bias;
    this.loraA = loraA;
    this.loraB = loraB;
    this.lora = lora;
  }

  /** (…, I) → (…, O) */
  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return tidy(() => {
      const dropped = withDropout(x, this.lora.dropout, options, 0); // (…, I)
      const update = linear(linear(dropped, this.loraA), this.loraB); // (…, I) -> (…, r) -> (…, O)
      return add(linear(x, this.weight, this.bias), mul(update, loraScale(this.lora))); // (…, O)
    });
  }

  /** The layer that this one was made from, with the same weight and bias. */
  toLinear(): Linear {
    return new Linear(this.weight, this.bias);
  }
}

/**
 * A linear layer with a fresh adapter: A is U(±1/√I), PyTorch's kaiming_uniform with a = √5, and B is 0, so that the
 * output is at first the layer's own.
 */
export function createLoraLinear(base: Linear, lora: LoraShape, random: RandomGenerator): LoraLinear {
  const [inputs, outputs] = base.weight.shape;
  const loraA = uniform<Rank.R2>([inputs, lora.rank], 1 / Math.sqrt(inputs), random);
  return new LoraLinear(base, loraA, zeros<Rank.R2>([lora.rank, outputs]), lora);
}
