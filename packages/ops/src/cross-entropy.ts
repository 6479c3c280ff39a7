import {
  add,
  cast,
  gatherND,
  greaterEqual,
  log,
  max,
  maximum,
  mul,
  range,
  reshape,
  scalar,
  scatterND,
  softmax,
  stack,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
  where,
  zerosLike,
} from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { logSumExpOf } from "./log-sum-exp.ts";
import { requireFloat, requireIds, requireShape, requireType } from "./validate.ts";

/**
 * crossEntropy(logits, targets)[n] = −log softmax(logits[n])[targets[n]] in nats; 0 where the target is −1.
 *
 * `torch.nn.functional.cross_entropy` with `ignore_index=-1, reduction="none"`. An ignored row has the gradient 0
 * whatever its logits are, NaN and infinite ones too.
 *
 * @param logits (N, V)
 * @param targets (N) int32, each in [0, V) or −1 to ignore the row
 * @returns (N)
 * @throws ShapeError if there is not one int32 target per row
 * @throws TokenIdError if a target is outside the vocabulary (checked on the cpu and wasm backends)
 */
export function crossEntropy(logits: Tensor2D, targets: Tensor1D): Tensor1D {
  requireFloat("crossEntropy", "logits", logits, "N", "V");
  requireType("crossEntropy", "targets", targets, "int32");
  requireShape("crossEntropy", "targets", targets, logits.shape[0]);
  return differentiable(CROSS_ENTROPY, { logits, targets }, {}) as Tensor1D;
}

type Inputs = { logits: Tensor2D; targets: Tensor1D };
/** logSumExp (N): the logarithm of each softmax's denominator. */
type Saved = Inputs & { logSumExp: Tensor };

const CROSS_ENTROPY: Operation<Inputs, Saved, Record<string, never>> = {
  kernel: "TesseraCrossEntropy",
  differentiable: ["logits"],
  outputs: ["y", "logSumExp"],
  saved: ["logits", "targets", "logSumExp"],

  forward({ logits, targets }) {
    requireIds("crossEntropy", targets, -1, logits.shape[1]);
    const probabilities = softmax(logits);
    return [targetLosses(logits, probabilities, targets), logSumExpOf(logits, probabilities)];
  },

  // A fused gradient kernel makes the probabilities from the log-sum-exp; here softmax is faster.
  backward(dy, { logits, targets }) {
    return { logits: () => logitsGradient(softmax(zeroIgnored(logits, targets)), targets, dy) };
  },
};

/** −log p of the targets, 0 for ignored ones: (N). */
export function targetLosses(logits: Tensor2D, probabilities: Tensor2D, targets: Tensor1D): Tensor1D {
  const chosen = gatherND(logits, positions(targets)); // (N)
  // log p = (logit − largest logit) + log of the largest p: exact when p is too small for a float32.
  const logLargest = log(max(probabilities, 1)); // (N)
  return zeroIgnored(sub(sub(max(logits, 1), chosen), logLargest), targets);
}

/** (probabilities − onehot(targets)) · dy, 0 in the rows of ignored targets if those are finite: (N, V). */
export function logitsGradient(probabilities: Tensor2D, targets: Tensor1D, dy: Tensor): Tensor2D {
  const weights = zeroIgnored(dy, targets); // (N)
  // Scattered, because a float one-hot is wrong on the WebAssembly backend.
  const chosen: Tensor2D = scatterND(positions(targets), weights, probabilities.shape); // (N, V)
  return sub(mul(probabilities, reshape(weights, [-1, 1])), chosen);
}

/** x (N, …) with 0 in the rows of ignored targets, whatever stands there: a product with 0 would keep NaN. */
export function zeroIgnored<T extends Tensor>(x: T, targets: Tensor1D): T {
  return tidy(() => {
    const zeros = zerosLike(x);
    const counts = cast(greaterEqual(targets, 0), "float32"); // (N)
    // Spread over the row by adding, because `where` would do it with Tile, twenty times slower on WebAssembly.
    const everywhere = add(zeros, reshape(counts, [-1, ...x.shape.slice(1).fill(1)])); // (N, …)
    return where(cast(everywhere, "bool"), x, zeros);
  });
}

/** [n, targets[n]] for each row, with target 0 standing in for an ignored one: (N, 2) int32. */
function positions(targets: Tensor1D): Tensor {
  return stack([range(0, targets.size, 1, "int32"), maximum(targets, scalar(0, "int32"))], 1);
}
