import {
  add,
  concat,
  matMul,
  mul,
  reshape,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor3D,
  type Tensor4D,
  tensor2d,
  tidy,
  transpose,
} from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { type Dropout, dropoutMask, requireRate } from "./dropout.ts";
import { OptionError, ShapeError } from "./errors.ts";
import { logSumExpOf } from "./log-sum-exp.ts";
import { requireFloat } from "./validate.ts";

/** How the heads of an attention are laid out and what they may see. */
export interface AttentionOptions {
  /** H: how many query heads the last axis of the queries holds, side by side. */
  readonly numHeads: number;
  /** G: how many key and value heads there are; query head h reads group ⌊h · G / H⌋. Divides H. Default H. */
  readonly numGroups?: number;
  /** Whether query t sees only the keys up to t + S − T: the last query sees every key. Default false. */
  readonly causal?: boolean;
  /** How many keys a causal query sees at most, the last one among them, as in Mistral. Default: all. */
  readonly window?: number;
  /** Drops attention probabilities, (B, H, T, S) in row-major order. */
  readonly dropout?: Dropout;
}

/** What {@link attention} may be told besides. */
export interface ScoreOptions {
  /** What the products q · kᵀ are multiplied by. Default 1 / √D; T5 takes 1. */
  readonly scale?: number;
  /**
   * Added to the scores before the softmax, (B | 1, H | 1, T | 1, S): relative positions, slopes, or −10⁹ at keys that
   * are padding. It has a gradient.
   */
  readonly bias?: Tensor4D;
}

/**
 * attention(q, k, v) = dropout(softmax(q · kᵀ · scale + bias + mask)) · v in each head.
 *
 * Vaswani et al. 2017, https://arxiv.org/abs/1706.03762; grouped heads: Ainslie et al. 2023,
 * https://arxiv.org/abs/2305.13245; `torch.nn.functional.scaled_dot_product_attention`.
 *
 * @param query (B, T, H·D)
 * @param key (B, S, G·D)
 * @param value (B, S, G·D)
 * @returns (B, T, H·D)
 * @throws ShapeError if the shapes do not fit together, or causal queries outnumber the keys
 * @throws OptionError if the heads do not divide into groups, the dropout rate is not in [0, 1), the scale is not
 *   finite, or there is a window that is not positive or not causal
 */
export function attention(
  query: Tensor3D,
  key: Tensor3D,
  value: Tensor3D,
  options: AttentionOptions & ScoreOptions,
): Tensor3D {
  const attributes = attentionAttributes("attention", options);
  requireQueryAndKey("attention", query, key, attributes, options);
  requireFloat("attention", "value", value, ...key.shape);
  const { bias } = options;
  return tidy(() => {
    const inputs = { query: scaled(query, options), key, value };
    if (bias === undefined) return differentiable(ATTENTION, inputs, attributes) as Tensor3D;
    return differentiable(BIASED_ATTENTION, { ...inputs, bias }, attributes) as Tensor3D;
  });
}

/**
 * attentionWeights(q, k) = softmax(q · kᵀ · scale + bias + mask) in each head: what {@link attention} mixes the values
 * with. For looking at: `attention` itself never holds these T · S numbers of a head.
 *
 * @param query (B, T, H·D)
 * @param key (B, S, G·D)
 * @returns (B, H, T, S)
 * @throws ShapeError, OptionError as {@link attention}
 */
export function attentionWeights(
  query: Tensor3D,
  key: Tensor3D,
  options: Omit<AttentionOptions, "dropout"> & ScoreOptions,
): Tensor4D {
  const attributes = attentionAttributes("attentionWeights", options);
  requireQueryAndKey("attentionWeights", query, key, attributes, options);
  return tidy(() => {
    const inputs = { query: scaled(query, options), key, bias: options.bias };
    const layout = headLayout(query, key, attributes);
    const p = softmax(scores(inputs, layout, attributes)); // (B·G, R·T, S)
    return reshape(p, [layout.B, layout.H, layout.T, layout.S]);
  });
}

/** The queries where another scale is asked for than 1 / √D, by which kernels and composition divide themselves. */
export function scaled(query: Tensor3D, { numHeads, scale }: { numHeads: number; scale?: number }): Tensor3D {
  return scale === undefined ? query : mul(query, scale * Math.sqrt(query.shape[2] / numHeads));
}

function requireQueryAndKey(
  operation: string,
  query: Tensor3D,
  key: Tensor3D,
  { numHeads, numGroups, causal }: Attributes,
  { scale = 1, bias }: ScoreOptions,
): void {
  requireFloat(operation, "query", query, "B", "T", "H·D");
  const headSize = requireMultiple(operation, "query", query, numHeads);
  requireFloat(operation, "key", key, query.shape[0], "S", numGroups * headSize);
  if (causal && query.shape[1] > key.shape[1]) {
    throw new ShapeError(
      operation,
      `${query.shape[1]} causal queries need as many keys, but there are ${key.shape[1]}`,
    );
  }
  if (!Number.isFinite(scale)) throw new OptionError(operation, `scale must be a finite number, but is ${scale}`);
  if (bias) requireBias(operation, bias, [query.shape[0], numHeads, query.shape[1], key.shape[1]]);
}

/** Each axis is as long as that of the scores, or 1; the last one is as long. */
function requireBias(operation: string, bias: Tensor, scores: readonly number[]): void {
  const fitting = scores.map((size, axis) => (axis < 3 && bias.shape[axis] === 1 ? 1 : size));
  requireFloat(operation, "bias", bias, ...fitting);
}

/**
 * selfAttention(q | k | v) = attention(q, k, v) for a projection that holds all three side by side, as GPT-2's does.
 *
 * @param qkv (B, T, (H + 2G)·D): H query heads, then G key heads, then G value heads
 * @returns (B, T, H·D)
 * @throws ShapeError if the width is not that of H + 2G heads
 * @throws OptionError as {@link attention}
 */
export function selfAttention(qkv: Tensor3D, options: AttentionOptions): Tensor3D {
  const attributes = attentionAttributes("selfAttention", options);
  requireFloat("selfAttention", "qkv", qkv, "B", "T", "(H + 2G)·D");
  requireMultiple("selfAttention", "qkv", qkv, attributes.numHeads + 2 * attributes.numGroups);
  return differentiable(SELF_ATTENTION, { qkv }, attributes) as Tensor3D;
}

type Attributes = {
  numHeads: number;
  numGroups: number;
  causal: boolean;
  /** 0: all keys. */
  window: number;
  dropoutRate: number;
  dropoutSeed: number;
};
type Inputs = { query: Tensor; key: Tensor; value: Tensor };
type BiasedInputs = Inputs & { bias: Tensor };
type MaybeBiased = Inputs & { bias?: Tensor };
/** logSumExp (B, H, T): the logarithm of each softmax's denominator, in the scale of the scores. */
type Saved = Inputs & { y: Tensor; logSumExp: Tensor };

// The probabilities are not saved but made again: one more product in the backward pass, and in exchange the memory
// between the passes grows with T and not with T². A fused gradient kernel makes them from the log-sum-exp; the
// composition takes the softmax again, which on the WebAssembly backend is ten times faster than exp.

const ATTENTION: Operation<Inputs, Saved, Attributes> = {
  kernel: "TesseraAttention",
  differentiable: ["query", "key", "value"],
  outputs: ["y", "logSumExp"],
  saved: ["query", "key", "value", "y", "logSumExp"],

  forward(inputs, attributes, wanted) {
    return attend(inputs, attributes, wanted);
  },

  backward(dy, saved, attributes) {
    const { query, key, value } = attendBackward(dy, saved, attributes);
    return { query: () => query, key: () => key, value: () => value };
  },
};

/** An operation of its own: the kernels of the other know no bias, and nothing but the composition here does yet. */
const BIASED_ATTENTION: Operation<BiasedInputs, BiasedInputs & { y: Tensor }, Attributes> = {
  kernel: "TesseraBiasedAttention",
  differentiable: ["query", "key", "value", "bias"],
  outputs: ["y"],
  saved: ["query", "key", "value", "bias", "y"],

  forward(inputs, attributes) {
    return attend(inputs, attributes, []);
  },

  backward(dy, saved, attributes) {
    const { query, key, value, scores } = attendBackward(dy, saved, attributes);
    return { query: () => query, key: () => key, value: () => value, bias: () => sumTo(scores, saved.bias.shape) };
  },
};

const SELF_ATTENTION: Operation<{ qkv: Tensor }, { qkv: Tensor; y: Tensor; logSumExp: Tensor }, Attributes> = {
  kernel: "TesseraSelfAttention",
  differentiable: ["qkv"],
  outputs: ["y", "logSumExp"],
  saved: ["qkv", "y", "logSumExp"],

  forward({ qkv }, attributes, wanted) {
    return attend(splitQkv(qkv, attributes), attributes, wanted);
  },

  backward(dy, { qkv, y }, attributes) {
    const { query, key, value } = attendBackward(dy, { ...splitQkv(qkv, attributes), y }, attributes);
    return { qkv: () => concat([query, key, value], 2) };
  },
};

function attend({ query, key, value, bias }: MaybeBiased, attributes: Attributes, wanted: readonly string[]): Tensor[] {
  const layout = headLayout(query, key, attributes);
  const s = scores({ query, key, bias }, layout, attributes); // (B·G, R·T, S)
  const p = softmax(s);
  const y = matMul(dropProbabilities(p, layout, attributes), keyHeads(value, layout)); // (B·G, R·T, D)
  if (wanted.length === 0) return [joinHeads(y, layout)];
  return [joinHeads(y, layout), reshape(logSumExpOf(s, p), [layout.B, layout.H, layout.T])];
}

/** The gradients of the inputs, and of the scores in (B, H, T, S). */
function attendBackward(
  dy: Tensor,
  saved: MaybeBiased & { y: Tensor },
  attributes: Attributes,
): Inputs & { scores: Tensor } {
  const { query, key, value, y } = saved;
  const layout = headLayout(query, key, attributes);
  const g = queryHeads(dy, layout); // (B·G, R·T, D)
  const p = softmax(scores(saved, layout, attributes)); // (B·G, R·T, S)
  const dv = matMul(transpose(dropProbabilities(p, layout, attributes), [0, 2, 1]), g); // (B·G, S, D)
  const dp = dropProbabilities(matMul(g, keyHeads(value, layout, true)), layout, attributes); // (B·G, R·T, S)
  // Σ over keys of p · dp equals dy · y, which is D wide instead of S.
  const along = sum(mul(g, queryHeads(y, layout)), 2, true); // (B·G, R·T, 1)
  const ds = mul(p, sub(dp, along)); // (B·G, R·T, S)
  const dq = mul(matMul(ds, keyHeads(key, layout)), 1 / Math.sqrt(layout.D)); // (B·G, R·T, D)
  const dk = matMul(transpose(ds, [0, 2, 1]), scaledQueryHeads(query, layout)); // (B·G, S, D)
  return {
    query: joinHeads(dq, layout),
    key: joinGroups(dk, layout),
    value: joinGroups(dv, layout),
    scores: reshape(ds, [layout.B, layout.H, layout.T, layout.S]),
  };
}

/** H heads in G groups of R, T queries, S keys, D numbers in a head. */
type Layout = { B: number; H: number; G: number; R: number; T: number; S: number; D: number };

function headLayout(query: Tensor, key: Tensor, { numHeads: H, numGroups: G }: Attributes): Layout {
  const [B, T, width] = query.shape as [number, number, number];
  return { B, H, G, R: H / G, T, S: key.shape[1] as number, D: width / H };
}

/** q · kᵀ / √D + bias + mask. The queries of a group stand below each other, so that keys are never repeated. (B·G, R·T, S) */
function scores(
  { query, key, bias }: { query: Tensor; key: Tensor; bias?: Tensor | undefined },
  layout: Layout,
  { causal, window }: Attributes,
): Tensor {
  const { B, G, H, R, T, S } = layout;
  const products = matMul(scaledQueryHeads(query, layout), keyHeads(key, layout, true));
  const s = bias ? reshape(add(reshape(products, [B, H, T, S]), bias), products.shape) : products;
  // A single query, as in generation, is the last one and sees every key.
  if (!causal || (T === 1 && window === 0)) return s;
  return reshape(add(reshape(s, [B * G * R, T, S]), causalMask(T, S, window)), [B * G, R * T, S]);
}

/** x summed over the axes that are 1 in `shape`, of the same rank. */
function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  const axes = shape.flatMap((size, axis) => (size === 1 && x.shape[axis] !== 1 ? [axis] : []));
  return axes.length === 0 ? x : sum(x, axes, true);
}

/** (B, T, H·D) → (B·G, R·T, D) */
function queryHeads(x: Tensor, { B, G, R, T, D }: Layout): Tensor {
  return reshape(transpose(reshape(x, [B, T, G * R, D]), [0, 2, 1, 3]), [B * G, R * T, D]);
}

function scaledQueryHeads(query: Tensor, layout: Layout): Tensor {
  return mul(queryHeads(query, layout), 1 / Math.sqrt(layout.D));
}

/** (B·G, R·T, D) → (B, T, H·D) */
function joinHeads(x: Tensor, { B, H, T, D }: Layout): Tensor {
  return reshape(transpose(reshape(x, [B, H, T, D]), [0, 2, 1, 3]), [B, T, H * D]);
}

/** (B, S, G·D) → (B·G, S, D), or (B·G, D, S) if transposed */
function keyHeads(x: Tensor, { B, G, S, D }: Layout, transposed = false): Tensor {
  const heads = transpose(reshape(x, [B, S, G, D]), transposed ? [0, 2, 3, 1] : [0, 2, 1, 3]);
  return reshape(heads, transposed ? [B * G, D, S] : [B * G, S, D]);
}

/** (B·G, S, D) → (B, S, G·D) */
function joinGroups(x: Tensor, { B, G, S, D }: Layout): Tensor {
  return reshape(transpose(reshape(x, [B, G, S, D]), [0, 2, 1, 3]), [B, S, G * D]);
}

/** Applies the dropout mask to probabilities, or to anything of their layout (B, H, T, S) = (B·G, R·T, S). */
function dropProbabilities(
  p: Tensor,
  { B, H, T, S }: Layout,
  { dropoutRate: rate, dropoutSeed: seed }: Attributes,
): Tensor {
  return rate === 0 ? p : mul(p, reshape(dropoutMask([B * H * T * S], { rate, seed }), p.shape));
}

let lastMask: { T: number; S: number; window: number; values: Float32Array } | undefined;

/** 0 where query t sees key s, else −10⁹: (T, S). The numbers are kept for the next call; the tensor is the caller's. */
function causalMask(T: number, S: number, window: number): Tensor {
  if (lastMask?.T !== T || lastMask.S !== S || lastMask.window !== window) {
    const values = new Float32Array(T * S).fill(-1e9);
    for (let t = 0; t < T; t++) {
      const end = t + S - T + 1;
      values.fill(0, t * S + (window === 0 ? 0 : Math.max(0, end - window)), t * S + end);
    }
    lastMask = { T, S, window, values };
  }
  // A copy, because the cpu backend takes the array itself for its memory.
  return tensor2d(lastMask.values.slice(), [T, S]);
}

function splitQkv(qkv: Tensor, { numHeads: H, numGroups: G }: Attributes): Inputs {
  const [B, T, width] = qkv.shape as [number, number, number];
  const D = width / (H + 2 * G);
  return {
    query: slice(qkv, [0, 0, 0], [B, T, H * D]),
    key: slice(qkv, [0, 0, H * D], [B, T, G * D]),
    value: slice(qkv, [0, 0, (H + G) * D], [B, T, G * D]),
  };
}

function attentionAttributes(operation: string, options: AttentionOptions): Attributes {
  const { numHeads, numGroups = numHeads, causal = false, window, dropout } = options;
  if (
    !(
      Number.isInteger(numHeads) &&
      numHeads > 0 &&
      Number.isInteger(numGroups) &&
      numGroups > 0 &&
      numHeads % numGroups === 0
    )
  ) {
    throw new OptionError(
      operation,
      `numHeads must be a positive multiple of numGroups, but they are ${numHeads} and ${numGroups}`,
    );
  }
  if (window !== undefined && !(Number.isInteger(window) && window > 0)) {
    throw new OptionError(operation, `window must be a positive number of keys, but is ${window}`);
  }
  if (window !== undefined && !causal) throw new OptionError(operation, "a window needs causal attention");
  requireRate(operation, dropout?.rate ?? 0);
  return {
    numHeads,
    numGroups,
    causal,
    window: window ?? 0,
    dropoutRate: dropout?.rate ?? 0,
    dropoutSeed: dropout?.seed ?? 0,
  };
}

function requireMultiple(operation: string, name: string, tensor: Tensor3D, numHeads: number): number {
  const width = tensor.shape[2];
  if (width % numHeads === 0) return width / numHeads;
  throw new ShapeError(
    operation,
    `the last axis of ${name} must hold ${numHeads} heads of one size, but ${name} has shape (${tensor.shape.join(", ")})`,
  );
}
