import { matMul, type Rank, type Tensor, type Tensor2D } from "@tensorflow/tfjs";
import { embedding } from "@tessera-lm/ops";
import type { Initializer } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { Projection } from "./linear.ts";
import type { Parameter } from "./parameter.ts";

/** Features by id, and the output head that is tied to them: an `Embedding`, or one that is stored in fewer bits. */
export interface EmbeddingTable extends Projection {
  /** x · weightᵀ, (N, C) → (N, V) */
  logits(x: Tensor2D): Tensor2D;
}

/** y = weight[id]: one row of features for each token, or for each position. */
export class Embedding implements EmbeddingTable {
  readonly weight: Parameter<Rank.R2>; // (V, C)

  constructor(weight: Parameter<Rank.R2>) {
    this.weight = weight;
  }

  /** ids (…) int32 → (…, C) */
  forward(ids: Tensor, _options?: ForwardOptions): Tensor {
    return embedding(ids, this.weight);
  }

  /** x · weightᵀ, (N, C) → (N, V): the output head of a model whose head is tied to its token embedding. */
  logits(x: Tensor2D): Tensor2D {
    return matMul(x, this.weight, false, true);
  }
}

export interface EmbeddingOptions {
  /** How many rows: the vocabulary, or the positions. */
  readonly count: number;
  readonly width: number;
  /** Standard deviation at the start. Default 0.02, as in GPT-2. */
  readonly std?: number;
}

export function createEmbedding(options: EmbeddingOptions, initialize: Initializer): Embedding {
  const { count, width, std = 0.02 } = options;
  return new Embedding(initialize<Rank.R2>([count, width], std));
}
