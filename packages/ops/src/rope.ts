import {
  add,
  cast,
  concat,
  cos,
  mul,
  reshape,
  sin,
  split,
  stack,
  sub,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor,
  tensor1d,
  tidy,
  unstack,
} from "@tensorflow/tfjs";
import { differentiable, fused, type Operation } from "./differentiable.ts";
import { OptionError, ShapeError } from "./errors.ts";
import { requireFloat, requireShape, requireType } from "./validate.ts";

/** Which numbers turn together, and how fast. */
export interface RopeOptions {
  /** H: how many heads the last axis holds, side by side. */
  readonly numHeads: number;
  /** Pair i of D / 2 turns by base^(−2i / D) radians per position. Default 10,000. */
  readonly base?: number;
  /** Radians per position of each of the D / 2 pairs, instead of those of `base`: for models of stretched contexts. */
  readonly frequencies?: readonly number[];
  /** The position of the first row, as when earlier ones are in a cache. Default 0. */
  readonly start?: number;
  /** The position of each row instead, (B, T) int32: for inference, there is no gradient. */
  readonly positions?: Tensor2D;
  /**
   * Whether neighbours, 2i and 2i + 1, are a pair, as in GPT-J and Meta's Llama; otherwise i and i + D / 2 are, as in
   * Hugging Face's Llama. Default false.
   */
  readonly interleaved?: boolean;
}

/**
 * rope(x): each pair (x₁, x₂) of each head becomes (x₁ cos θ − x₂ sin θ, x₂ cos θ + x₁ sin θ), θ = position · base^(−2i / D).
 *
 * Rotary position embedding: Su et al. 2021, https://arxiv.org/abs/2104.09864. Angles are rounded to float32 as in
 * Hugging Face's `apply_rotary_pos_emb`.
 *
 * @param x (B, T, H·D)
 * @returns (B, T, H·D)
 * @throws ShapeError if the last axis does not hold numHeads heads of one even size
 * @throws OptionError if the base is not positive, the start is not a position or there is not one frequency per pair
 */
export function rope(x: Tensor3D, options: RopeOptions): Tensor3D {
  const { numHeads, base = 10_000, start = 0, interleaved = false, positions } = options;
  requireFloat("rope", "x", x, "B", "T", "H·D");
  const headSize = x.shape[2] / numHeads;
  if (!(Number.isInteger(headSize) && headSize > 0 && headSize % 2 === 0)) {
    throw new ShapeError(
      "rope",
      `the last axis of x must hold ${numHeads} heads of one even size, but x has shape (${x.shape.join(", ")})`,
    );
  }
  if (!(base > 0)) throw new OptionError("rope", `base must be positive, but is ${base}`);
  if (!(Number.isInteger(start) && start >= 0))
    throw new OptionError("rope", `start must be a position, an integer from 0 on, but is ${start}`);
  const attributes = { frequencies: frequenciesOf(options, headSize, base), start, interleaved };
  if (positions === undefined) return differentiable(ROPE, { x }, attributes) as Tensor3D;
  requireType("rope", "positions", positions, "int32");
  requireShape("rope", "positions", positions, x.shape[0], x.shape[1]);
  return tidy(
    () => fused("TesseraRopeAt", { x, positions }, attributes, () => [turnAt(x, positions, attributes)])[0] as Tensor3D,
  );
}

/** frequencies (D / 2): radians per position of each pair of a head. */
type Attributes = { frequencies: number[]; start: number; interleaved: boolean };

const ROPE: Operation<{ x: Tensor }, Record<string, never>, Attributes> = {
  kernel: "TesseraRope",
  differentiable: ["x"],
  outputs: ["y"],
  saved: [],

  forward({ x }, attributes) {
    return [turn(x, attributes, 1)];
  },

  backward(dy, _saved, attributes) {
    return { x: () => turn(dy, attributes, -1) };
  },
};

/** Turns all pairs forwards (1) or backwards (−1). */
function turn(x: Tensor, attributes: Attributes, direction: 1 | -1): Tensor {
  const T = x.shape[1] as number;
  const table = (f: (angle: number) => number) => angles(T, attributes, f); // (T, 1, D/2)
  return turnBy(
    x,
    attributes,
    table(Math.cos),
    table((angle) => direction * Math.sin(angle)),
  );
}

/** Turns all pairs of each row as its position says. */
function turnAt(x: Tensor, positions: Tensor, attributes: Attributes): Tensor {
  const rows = reshape(cast(positions, "float32"), [...positions.shape, 1, 1]);
  const angle = mul(rows, tensor1d(attributes.frequencies)); // (B, T, 1, D/2)
  return turnBy(x, attributes, cos(angle), sin(angle));
}

function turnBy(x: Tensor, { frequencies, interleaved }: Attributes, cos: Tensor, sin: Tensor): Tensor {
  const half = frequencies.length;
  const [B, T, width] = x.shape as [number, number, number];
  const heads = [B, T, width / (2 * half)] as const;
  const pairs = interleaved
    ? unstack(reshape(x, [...heads, half, 2]), 4)
    : split(reshape(x, [...heads, 2 * half]), 2, 3);
  const [x1, x2] = pairs as [Tensor, Tensor]; // (B, T, H, D/2)
  const y1 = sub(mul(x1, cos), mul(x2, sin));
  const y2 = add(mul(x2, cos), mul(x1, sin));
  return reshape(interleaved ? stack([y1, y2], 4) : concat([y1, y2], 3), x.shape);
}

/** f of each position's angles: (T, 1, D/2). */
function angles(T: number, { frequencies, start }: Attributes, f: (angle: number) => number): Tensor {
  const values = Array.from({ length: T }, (_, t) =>
    frequencies.map((frequency) => f(Math.fround(frequency * (start + t)))),
  );
  return tensor(Float32Array.from(values.flat()), [T, 1, frequencies.length]);
}

function frequenciesOf({ frequencies }: RopeOptions, headSize: number, base: number): number[] {
  if (frequencies === undefined) return ropeFrequencies(headSize, base);
  if (frequencies.length === headSize / 2 && frequencies.every(Number.isFinite)) return [...frequencies];
  throw new OptionError("rope", `frequencies must be ${headSize / 2} numbers, but are ${frequencies.length}`);
}

/** base^(−2i / D) for each pair i of a head of D numbers. Each step rounded to float32, since the angle of a late position shows the difference. */
export function ropeFrequencies(headSize: number, base: number): number[] {
  const { fround } = Math;
  return Array.from({ length: headSize / 2 }, (_, i) => fround(1 / fround(base ** fround((2 * i) / headSize))));
}
