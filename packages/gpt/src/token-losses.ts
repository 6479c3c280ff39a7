import { concat, type Scalar, slice, sum, type Tensor1D, type Tensor2D, tidy } from "@tensorflow/tfjs";
import { Embedding, type EmbeddingTable } from "@tessera-lm/layers";
import { crossEntropy, linearCrossEntropy } from "@tessera-lm/ops";

/** Rows whose logits exist at a time: 51 MB with the vocabulary of GPT-2. */
const ROWS_AT_A_TIME = 256;

/**
 * crossEntropy(head.logits(hidden), targets), (N, C) and (N) → (N), in runs of rows: all logits never exist at once.
 * Where gradients are wanted TensorFlow.js keeps the logits of every run; `linearCrossEntropy` does not.
 */
export function tokenLosses(head: { logits(x: Tensor2D): Tensor2D }, hidden: Tensor2D, targets: Tensor1D): Tensor1D {
  const losses: Tensor1D[] = [];
  for (let start = 0; start < targets.size; start += ROWS_AT_A_TIME) {
    const size = Math.min(ROWS_AT_A_TIME, targets.size - start);
    const run = (): Tensor1D => crossEntropy(head.logits(slice(hidden, start, size)), slice(targets, start, size));
    losses.push(tidy(run)); // (size)
  }
  return concat(losses);
}

/** Σ tokenLosses, (N, C) and (N) → (), without ever holding all logits; differentiable unless the head is stored. */
export function summedLoss(head: EmbeddingTable, hidden: Tensor2D, targets: Tensor1D): Scalar {
  if (head instanceof Embedding) return linearCrossEntropy(hidden, head.weight, targets);
  return sum(tokenLosses(head, hidden, targets));
}
