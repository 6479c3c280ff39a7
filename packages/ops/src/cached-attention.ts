import {
  add,
  cast,
  expandDims,
  greaterEqual,
  keep,
  less,
  logicalAnd,
  maximum,
  mul,
  ones,
  range,
  scalar,
  scatterND,
  stack,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
  transpose,
  zerosLike,
} from "@tensorflow/tfjs";
import { type AttentionOptions, attention, type ScoreOptions, scaled } from "./attention.ts";
import { hasKernel, runKernel } from "./differentiable.ts";
import { embedding } from "./embedding.ts";
import { OptionError, ShapeError } from "./errors.ts";
import { live } from "./repeated.ts";
import { requireFloat, requirePositions, requireShape, requireType } from "./validate.ts";

/** Keys and values of the positions so far, (B, S, G·D) each: position p of a sequence stands in row p. */
export interface KeyValues {
  keys: Tensor3D;
  values: Tensor3D;
}

/** What attention to a cache may be told: it is causal, and drops nothing. */
export type CachedAttentionOptions = Pick<AttentionOptions, "numHeads" | "numGroups" | "window"> &
  Pick<ScoreOptions, "scale"> & {
    /** (S or more, H): row d is added to the scores of keys that stand d places before the query. */
    readonly distanceBias?: Tensor2D;
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
  const { numHeads, numGroups = numHeads, window = 0, distanceBias } = options;
  check(query, key, value, cache, positions, { numHeads, numGroups, window, distanceBias });
  return tidy(() => {
    const inputs = { query: scaled(query, options), key, value, positions, keys: cache.keys, values: cache.values };
    const attributes = { numHeads, numGroups, window };
    if (hasKernel(KERNEL) && distanceBias === undefined) return attendInKernel(inputs, cache, attributes);
    putRows(inputs, cache, attributes);
    const { keys, values } = cache;
    const distances = sub(expandDims(positions, 2), range(0, keys.shape[1], 1, "int32")) as Tensor3D; // (B, T, S)
    const mask = visible(distances, window);
    const bias: Tensor4D = distanceBias ? add(mask, biasAt(distances, distanceBias)) : mask;
    return attention(inputs.query, keys, values, { numHeads, numGroups, bias });
  });
}

const KERNEL = "TesseraCachedAttention";

type Attributes = { numHeads: number; numGroups: number; window: number };

function attendInKernel(inputs: Inputs, cache: KeyValues, attributes: Attributes): Tensor3D {
  const [y, keys, values] = runKernel(KERNEL, { ...inputs }, attributes);
  replace(cache, "keys", keys as Tensor3D);
  replace(cache, "values", values as Tensor3D);
  return y as Tensor3D;
}

/** Puts the new keys and values into the cache: in place by the kernel, which knows no bias but may look at one key. */
function putRows(inputs: Inputs, cache: KeyValues, attributes: Attributes): void {
  if (hasKernel(KERNEL)) attendInKernel(inputs, cache, { ...attributes, window: 1 });
  else
    live(() => {
      replace(cache, "keys", withRows(inputs.keys, inputs.key, inputs.positions));
      replace(cache, "values", withRows(inputs.values, inputs.value, inputs.positions));
    });
}

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

/** The cache (B, S, C) with `rows` (B, T, C) at `positions` (B, T) of each sequence. */
function withRows(cache: Tensor3D, rows: Tensor3D, positions: Tensor2D): Tensor3D {
  const [B, S, C] = cache.shape;
  const T = rows.shape[1];
  const sequence = add(expandDims(range(0, B, 1, "int32"), 1), zerosLike(positions)); // (B, T)
  const places = stack([sequence, positions], 2).reshape([B * T, 2]); // (B·T, 2)
  const kept = sub(1, scatterND(places, ones([B * T]), [B, S])); // (B, S)
  return add(mul(cache, expandDims(kept, 2)), scatterND(places, rows.reshape([B * T, C]), [B, S, C]));
}

/** 0 where a query sees a key and −10⁹ where it does not: (B, 1, T, S) */
function visible(distances: Tensor3D, window: number): Tensor4D {
  const past = greaterEqual(distances, 0);
  const seen = window === 0 ? past : logicalAnd(past, less(distances, window)); // (B, T, S)
  return expandDims(mul(sub(1, cast(seen, "float32")), -1e9), 1) as Tensor4D;
}

/** The row of each distance, (B, H, T, S); of keys that are not seen any. */
function biasAt(distances: Tensor3D, table: Tensor2D): Tensor4D {
  return transpose(embedding(maximum(distances, scalar(0, "int32")), table), [0, 3, 1, 2]) as Tensor4D;
}

function check(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  { keys, values }: KeyValues,
  positions: Tensor,
  { numHeads, numGroups, window, distanceBias }: Attributes & { readonly distanceBias: Tensor2D | undefined },
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
  if (distanceBias) requireBias(name, distanceBias, keys.shape[1] as number, numHeads);
}

function requireBias(operation: string, bias: Tensor2D, room: number, numHeads: number): void {
  requireFloat(operation, "distanceBias", bias, "S", numHeads);
  if (bias.shape[0] >= room) return;
  throw new ShapeError(
    operation,
    `distanceBias must have a row for each of ${room} distances, but has ${bias.shape[0]}`,
  );
}
