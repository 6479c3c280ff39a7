import { mul, type Rank, type Tensor, tidy } from "@tensorflow/tfjs";
import { type ForwardOptions, type Parameter, type Projection, uniform, withDropout, zeros } from "@tessera-lm/layers";
import { add, linear } from "@tessera-lm/ops";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** A layer that can be adapted: x · weight + bias, in whatever way it computes that. `Linear` is one. */
export interface LinearLayer extends Projection {
  readonly weight: Parameter<Rank.R2>; // (I, O)
  readonly bias?: Parameter<Rank.R1>; // (O)
}

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
export class LoraLinear implements LinearLayer {
  readonly weight: Parameter<Rank.R2>; // (I, O)
  readonly bias?: Parameter<Rank.R1>; // (O)
  readonly loraA: Parameter<Rank.R2>; // (I, r): the transpose of PEFT's lora_A
  readonly loraB: Parameter<Rank.R2>; // (r, O): the transpose of PEFT's lora_B
  readonly lora: LoraShape;
  readonly #base: LinearLayer; // private, lest its parameters be found twice

  constructor(base: LinearLayer, loraA: Parameter<Rank.R2>, loraB: Parameter<Rank.R2>, lora: LoraShape) {
    this.#base = base;
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
      // Scaled where it is narrow: the backward pass keeps what `mul` is given.
      const narrow = mul(linear(dropped, this.loraA), loraScale(this.lora)); // (…, r)
      return add(this.#base.forward(x, options), linear(narrow, this.loraB)); // (…, O)
    });
  }

  /** The layer that this one was made from. */
  get base(): LinearLayer {
    return this.#base;
  }
}

/**
 * A linear layer with a fresh adapter: A is U(±1/√I), PyTorch's kaiming_uniform with a = √5, and B is 0, so that the
 * output is at first the layer's own.
 */
export function createLoraLinear(base: LinearLayer, lora: LoraShape, random: RandomGenerator): LoraLinear {
  const [inputs, outputs] = base.weight.shape;
  const loraA = uniform<Rank.R2>([inputs, lora.rank], 1 / Math.sqrt(inputs), random);
  return new LoraLinear(base, loraA, zeros<Rank.R2>([lora.rank, outputs]), lora);
}
