import { type Tensor2D, type Tensor4D, tensor2d, tensor4d } from "@tensorflow/tfjs";

/**
 * Sinusoidal positions (Vaswani et al. 2017): sin(t / 10000^(2i / C)) at feature 2i, the cosine at 2i + 1.
 * @param start the first position
 * @returns (T, C)
 */
export function sinusoidalPositions(start: number, time: number, width: number): Tensor2D {
  const values = new Float32Array(time * width);
  for (let t = 0; t < time; t++) {
    for (let c = 0; c < width; c++) {
      const angle = (start + t) / 10_000 ** ((c - (c % 2)) / width);
      values[t * width + c] = c % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return tensor2d(values, [time, width]);
}

/**
 * What ALiBi (Press et al. 2022) adds to causal scores: slope · s at key s, (1, H, 1, S). The softmax does not see what
 * all keys of a query share, so that this is the paper's −slope · (t − s).
 */
export function alibiBias(numHeads: number, numKeys: number): Tensor4D {
  const values = alibiSlopes(numHeads).flatMap((slope) => Array.from({ length: numKeys }, (_, s) => slope * s));
  return tensor4d(values, [1, numHeads, 1, numKeys]);
}

/** The same by distance, (count, H): −slope · d for keys d places before the query. */
export function alibiByDistance(numHeads: number, count: number): Tensor2D {
  const slopes = alibiSlopes(numHeads);
  const values = Array.from({ length: count }, (_, distance) => slopes.map((slope) => -slope * distance));
  return tensor2d(values.flat(), [count, numHeads]);
}

/** 2^(−8h / H) for h = 1 … H; for another H than a power of two, those of the next lower one, then every other between. */
export function alibiSlopes(numHeads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(numHeads));
  const slopes = (count: number): number[] => Array.from({ length: count }, (_, h) => 2 ** ((-8 * (h + 1)) / count));
  const between = slopes(2 * power).filter((_, h) => h % 2 === 0);
  return [...slopes(power), ...between.slice(0, numHeads - power)];
}
