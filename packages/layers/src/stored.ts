import type { Rank, Tensor, Tensor2D } from "@tensorflow/tfjs";
import { type StoredMatrix, storedEmbedding, storedLinear } from "@tessera-lm/ops";
import type { EmbeddingTable } from "./embedding.ts";
import type { ForwardOptions } from "./language-model.ts";
import type { Projection } from "./linear.ts";
import type { Parameter } from "./parameter.ts";

/**
 * y = x · weightᵀ + bias with a weight in 16, 8 or 4 bits, computed in float32: a `Linear` that is only run. Neither the
 * weight nor anything before it can learn.
 */
export class StoredLinear implements Projection {
  readonly weight: StoredMatrix; // (O, I)
  readonly bias?: Parameter<Rank.R1>; // (O)

  constructor(weight: StoredMatrix, bias?: Parameter<Rank.R1>) {
    this.weight = weight;
    this.bias = bias;
  }

  /** (…, I) → (…, O) */
  forward(x: Tensor, _options?: ForwardOptions): Tensor {
    return storedLinear(x, this.weight, this.bias);
  }
}

/** y = weight[id] with a table in 16, 8 or 4 bits: an `Embedding` that is only run. */
export class StoredEmbedding implements EmbeddingTable {
  readonly weight: StoredMatrix; // (V, C)

  constructor(weight: StoredMatrix) {
    this.weight = weight;
  }

  /** ids (…) int32 → (…, C) */
  forward(ids: Tensor, _options?: ForwardOptions): Tensor {
    return storedEmbedding(ids, this.weight);
  }

  /** x · weightᵀ, (N, C) → (N, V) */
  logits(x: Tensor2D): Tensor2D {
    return storedLinear(x, this.weight);
  }
}
