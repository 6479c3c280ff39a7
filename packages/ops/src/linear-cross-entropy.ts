import {
  add,
  concat,
  matMul,
  mul,
  ones,
  type Scalar,
  scalar,
  slice,
  softmax,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
  transpose,
  zeros,
  zerosLike,
} from "@tensorflow/tfjs";
import { logitsGradient, targetLosses, zeroIgnored } from "./cross-entropy.ts";
import { differentiable, type Operation } from "./differentiable.ts";
import { transposedTimes } from "./rows.ts";
import { requireFloat, requireIds, requireShape, requireType } from "./validate.ts";

/**
 * linearCrossEntropy = Σ crossEntropy(hidden · weightᵀ, targets): a language model's head and loss in one.
 *
 * The logits exist only for one chunk of rows at a time. When gradients will be wanted, those of hidden and weight are
 * computed in the same pass, chunk by chunk, and multiplied by the gradient of the sum later.
 *
 * Ignored rows have no part in it, even where they hold NaN or infinite numbers.
 *
 * @param hidden (N, C)
 * @param weight (V, C): the layout of an embedding table, which this often is
 * @param targets (N) int32, each in [0, V) or −1 to ignore the row
 * @returns the sum over the targets that count, in nats; 0 for no rows
 * @throws ShapeError if the shapes do not fit together
 * @throws TokenIdError if a target is outside the vocabulary (checked on the cpu and wasm backends)
 */
export function linearCrossEntropy(hidden: Tensor2D, weight: Tensor2D, targets: Tensor1D): Scalar {
  requireFloat("linearCrossEntropy", "hidden", hidden, "N", "C");
  requireFloat("linearCrossEntropy", "weight", weight, "V", hidden.shape[1]);
  requireType("linearCrossEntropy", "targets", targets, "int32");
  requireShape("linearCrossEntropy", "targets", targets, hidden.shape[0]);
  return differentiable(LINEAR_CROSS_ENTROPY, { hidden, weight, targets }, {}) as Scalar;
}

type Inputs = { hidden: Tensor2D; weight: Tensor2D; targets: Tensor1D };
type Saved = { hiddenGradient: Tensor; weightGradient: Tensor };

const LINEAR_CROSS_ENTROPY: Operation<Inputs, Saved, Record<string, never>> = {
  kernel: "TesseraLinearCrossEntropy",
  differentiable: ["hidden", "weight"],
  // A gradient that is not wanted is the scalar 0.
  outputs: ["y", "hiddenGradient", "weightGradient"],
  saved: ["hiddenGradient", "weightGradient"],

  forward({ hidden, weight, targets }, _attributes, wanted) {
    requireIds("linearCrossEntropy", targets, -1, weight.shape[0]);
    const columns = transpose(weight); // (C, V)
    // Both begin with what they are for no rows at all.
    const hiddenGradients: Tensor[] = wanted.includes("hidden") ? [zeros([0, hidden.shape[1]])] : [];
    let weightGradient: Tensor = wanted.includes("weight") ? zerosLike(weight) : scalar(0);
    let loss: Tensor = scalar(0);
    for (const [start, size] of chunks(hidden.shape[0], weight.shape[0])) {
      const terms = tidy(() => {
        const classes = slice(targets, start, size); // (n)
        return chunkTerms(zeroIgnored(slice(hidden, start, size), classes), weight, columns, classes, wanted);
      });
      loss = accumulate(loss, terms.loss);
      if (terms.hidden) hiddenGradients.push(terms.hidden);
      if (terms.weight) weightGradient = accumulate(weightGradient, terms.weight);
    }
    return [loss, hiddenGradients.length > 0 ? concat(hiddenGradients) : scalar(0), weightGradient];
  },

  backward(dy, { hiddenGradient, weightGradient }) {
    return { hidden: () => mul(hiddenGradient, dy), weight: () => mul(weightGradient, dy) };
  },
};

/** Logits of one chunk: 8 Mi numbers, 32 MB. A chunk has several temporaries of this size. */
const CHUNK_LOGITS = 2 ** 23;
/** Rows of one chunk: more gain nothing, and the logits of a small vocabulary then stay in the cache. */
const CHUNK_ROWS = 1024;

/** [start, size] of each run of rows that stays within both limits. */
function chunks(numRows: number, vocabSize: number): [start: number, size: number][] {
  const size = Math.max(1, Math.min(CHUNK_ROWS, Math.floor(CHUNK_LOGITS / vocabSize)));
  const count = Math.ceil(numRows / size);
  return Array.from({ length: count }, (_, i) => [i * size, Math.min(size, numRows - i * size)]);
}

/** The summed loss of a chunk of rows, 0 in the ignored ones, and the gradients that are wanted. */
function chunkTerms(
  hidden: Tensor2D,
  weight: Tensor2D,
  columns: Tensor2D,
  targets: Tensor1D,
  wanted: readonly string[],
): { loss: Tensor; hidden?: Tensor; weight?: Tensor } {
  const logits: Tensor2D = matMul(hidden, columns); // (n, V)
  const probabilities = softmax(logits);
  const loss = sum(targetLosses(logits, probabilities, targets));
  if (wanted.length === 0) return { loss };
  const g = logitsGradient(probabilities, targets, ones([hidden.shape[0]])); // (n, V)
  return {
    loss,
    ...(wanted.includes("hidden") && { hidden: matMul(g, weight) }), // (n, C)
    ...(wanted.includes("weight") && { weight: transposedTimes(g, hidden) }), // (V, C)
  };
}

/** total + term, whose memory is freed at once: a head's gradient can be the largest tensor of a model. */
function accumulate(total: Tensor, term: Tensor): Tensor {
  const result = add(total, term);
  total.dispose();
  term.dispose();
  return result;
}
