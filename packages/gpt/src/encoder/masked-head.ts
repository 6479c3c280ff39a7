import {
  add,
  concat,
  expandDims,
  ones,
  type Rank,
  type Scalar,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from "@tensorflow/tfjs";
import {
  type Activation,
  activate,
  createLinear,
  Embedding,
  type EmbeddingTable,
  type Initializer,
  type Parameter,
  type Projection,
  zeros,
} from "@tessera-lm/layers";
import { linearCrossEntropy } from "@tessera-lm/ops";
import { createNorm } from "../blocks.ts";
import { tokenLosses } from "../token-losses.ts";
import type { ResolvedEncoderConfig } from "./encoder-config.ts";

/** BERT's head for masked tokens: norm(activation(dense(x))) · embeddingᵀ + bias, with the token embedding's table. */
export class MaskedHead {
  dense: Projection; // (C, C)
  norm: Projection;
  readonly bias: Parameter<Rank.R1>; // (V)
  readonly activation: Activation;

  constructor(parts: Pick<MaskedHead, "dense" | "norm" | "bias" | "activation">) {
    this.dense = parts.dense;
    this.norm = parts.norm;
    this.bias = parts.bias;
    this.activation = parts.activation;
  }

  /** What meets the embedding, (…, C) → (…, C). */
  transform(x: Tensor): Tensor {
    return this.norm.forward(activate(this.dense.forward(x), this.activation));
  }

  /** (N, C) of transformed features → (N, V) */
  logits(transformed: Tensor2D, embedding: EmbeddingTable): Tensor2D {
    return add(embedding.logits(transformed), this.bias);
  }

  /**
   * Σ −log p(target) over the targets that are not −1, without ever holding all logits: the bias is one more column of
   * the embedding, which meets a column of ones.
   */
  loss(transformed: Tensor2D, embedding: EmbeddingTable, targets: Tensor1D): Scalar {
    if (!(embedding instanceof Embedding)) {
      return sum(tokenLosses({ logits: (x) => this.logits(x, embedding) }, transformed, targets));
    }
    const features = concat([transformed, ones([transformed.shape[0], 1])], 1) as Tensor2D; // (N, C + 1)
    const table = concat([embedding.weight, expandDims(this.bias, 1)], 1) as Tensor2D; // (V, C + 1)
    return linearCrossEntropy(features, table, targets);
  }
}

export function createMaskedHead(config: ResolvedEncoderConfig, initialize: Initializer): MaskedHead {
  const { width, vocabSize, activation, bias } = config;
  return new MaskedHead({
    dense: createLinear({ inputs: width, outputs: width, bias }, initialize),
    norm: createNorm(config),
    bias: zeros<Rank.R1>([vocabSize]),
    activation,
  });
}
