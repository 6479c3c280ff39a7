import {
  add,
  cast,
  expandDims,
  greaterEqual,
  keep,
  less,
  logicalAnd,
  mul,
  ones,
  range,
  scatterND,
  stack,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
  zerosLike,
} from "@tensorflow/tfjs";
import { type AttentionOptions, attention } from "./attention.ts";
import { hasKernel, runKernel } from "./differentiable.ts";
import { OptionError } from "./errors.ts";
import { live } from "./repeated.ts";
import { requireFloat, requirePositions, requireShape, requireType } from "./validate.ts";

/** Keys and values of the positions so far, (B, S, G·D) each: position p of a sequence stands in row p. */
export interface KeyValues {
  keys: Tensor3D;
  values: Tensor3D;
}

/** What attention to a cache may be told: it is causal, and drops nothing. */
export type CachedAttentionOptions = Pick<AttentionOptions, "numHeads" | "numGroups" | "window"> & {
  /** Added to the scores, (B | 1, H | 1, T | 1, S). */
  readonly bias?: Tensor4D;
};

/**
 * cachedAttention: puts `key` and `value` into the cache at `positions`, then lets each query attend to all positions
 * of its sequence up to its own. Step by step it gives what causal {@link attention} gives for all at once.
 *
 * The cache is the caller's, who disposes of its tensors; this replaces them, in the same memory where the backend can.
 * There is no gradient.
 *
 * @param query (B, T, H·D)
 * @param key (B, T, G·D)
 * @param value (B, T, G·D)
 * @param positions (B, T) int32 in [0, S); those of a sequence follow each other
 * @returns (B, T, H·D)
 * @throws ShapeError if the shapes do not fit together
 * @throws OptionError if the heads do not divide into groups, there is a window that is not positive, or a position is
 *   outside of the cache (checked on the cpu and wasm backends; the engine says so with the result)
 */
export function cachedAttention(
  query: Tensor3D,
  key: Tensor3D,
  value: Tensor3D,
  cache: KeyValues,
  positions: Tensor2D,
  options: CachedAttentionOptions,
): Tensor3D {
  const { numHeads, numGroups = numHeads, window = 0, bias } = options;
  check(query, key, value, cache, positions, { numHeads, numGroups, window });
  return tidy(() => {
    const inputs = { query, key, value, positions, keys: cache.keys, values: cache.values };
    const [y, keys, values] =
      hasKernel(KERNEL) && bias === undefined
        ? runKernel(KERNEL, inputs, { numHeads, numGroups, window })
        : live(() => compose(inputs, { ...options, numGroups, window }));
    replace(cache, "keys", keys as Tensor3D);
    replace(cache, "values", values as Tensor3D);
    return y as Tensor3D;
  });
}

const KERNEL = "TesseraCachedAttention";

interface Inputs extends Readonly<KeyValues> {
  readonly query: Tensor3D;
  readonly key: Tensor3D;
  readonly value: Tensor3D;
  readonly positions: Tensor2D;
}

function replace(cache: KeyValues, name: keyof KeyValues, tensor: Tensor3D): void {
  const before = cache[name];
  cache[name] = keep(tensor);
  before.dispose();
}

function compose(inputs: Inputs, options: CachedAttentionOptions): Tensor[] {
  const { query, positions } = inputs;
  const keys = withRows(inputs.keys, inputs.key, positions);
  const values = withRows(inputs.values, inputs.value, positions);
  const bias = visible(positions, keys.shape[1], options);
  return [
    attention(query, keys, values, { numHeads: options.numHeads, numGroups: options.numGroups, bias }),
    keys,
    values,
  ];
}

/** The cache (B, S, C) with `rows` (B, T, C) at `positions` (B, T) of each sequence. */
function withRows(cache: Tensor3D, rows: Tensor3D, positions: Tensor2D): Tensor3D {
  const [B, S, C] = cache.shape;
  const T = rows.shape[1];
  const sequence = add(expandDims(range(0, B, 1, "int32"), 1), zerosLike(positions)); // (B, T)
  const places = stack([sequence, positions], 2).reshape([B * T, 2]); // (B·T, 2)
  const kept = sub(1, scatterND(places, ones([B * T]), [B, S])); // (B, S)
  return add(mul(cache, expandDims(kept, 2)), scatterND(places, rows.reshape([B * T, C]), [B, S, C]));
}

/** 0 where a query sees a key and −10⁹ where it does not, plus the bias: (B, 1 | H, T, S) */
function visible(positions: Tensor2D, S: number, { window = 0, bias }: CachedAttentionOptions): Tensor4D {
  const [query, key] = [expandDims(positions, 2), range(0, S, 1, "int32")]; // (B, T, 1), (S)
  const past = greaterEqual(query, key);
  const seen = window === 0 ? past : logicalAnd(past, less(sub(query, key), window)); // (B, T, S)
  const mask = expandDims(mul(sub(1, cast(seen, "float32")), -1e9), 1) as Tensor4D; // (B, 1, T, S)
  return bias === undefined ? mask : add(mask, bias);
}

function check(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  { keys, values }: KeyValues,
  positions: Tensor,
  { numHeads, numGroups, window }: { numHeads: number; numGroups: number; window: number },
): void {
  const name = "cachedAttention";
  requireFloat(name, "query", query, "B", "T", "H·D");
  const [B, T, width] = query.shape as [number, number, number];
  if (!(numGroups > 0 && numHeads % numGroups === 0 && width % numHeads === 0)) {
    throw new OptionError(name, `${numHeads} heads in ${numGroups} groups do not divide a width of ${width}`);
  }
  if (!(Number.isInteger(window) && window >= 0)) {
    throw new OptionError(name, `window must be a positive whole number, but is ${window}`);
  }
  const across = (width / numHeads) * numGroups;
  requireFloat(name, "key", key, B, T, across);
  requireFloat(name, "value", value, B, T, across);
  requireFloat(name, "keys", keys, B, "S", across);
  requireFloat(name, "values", values, ...keys.shape);
  requireType(name, "positions", positions, "int32");
  requireShape(name, "positions", positions, B, T);
  requirePositions(name, positions, keys.shape[1] as number);
}
