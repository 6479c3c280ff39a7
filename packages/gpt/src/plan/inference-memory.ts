import type { Anatomy, Layers } from "./anatomy.ts";

/** How weights are kept in a model that is only run. */
export type WeightFormat = "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0";

export const WEIGHT_FORMATS: readonly WeightFormat[] = ["F32", "F16", "BF16", "Q8_0", "Q4_0"];

/** Bytes for each number; blocks of 32 have a scale of two. */
const BYTES: Readonly<Record<WeightFormat, number>> = { F32: 4, F16: 2, BF16: 2, Q8_0: 34 / 32, Q4_0: 18 / 32 };

/** Bytes of tensors while a model generates. */
export interface InferenceMemory {
  readonly weights: number;
  /** Keys and values of all positions, float32. */
  readonly cache: number;
  /** What one forward pass over the whole prompt needs at most, or the logits of its last position. */
  readonly working: number;
  readonly peak: number;
}

export interface InferenceShape {
  readonly batchSize: number;
  /** How many positions the cache has room for. */
  readonly contextLength: number;
  readonly format: WeightFormat;
}

export function inferenceMemory(
  anatomy: Anatomy,
  { batchSize, contextLength, format }: InferenceShape,
): InferenceMemory {
  const weights = weightBytes(anatomy, format);
  const cache = batchSize * anatomy.layers.reduce((total, layer) => total + cacheBytes(layer, contextLength), 0);
  const ofBlock = Math.max(...anatomy.layers.map((layer) => workingOfToken(anatomy.width, layer)));
  // What goes into each block stays until the pass is over, as do tokens and positions that were added.
  const numLayers = anatomy.layers.reduce((total, { count }) => total + count, 0);
  const ofToken = ofBlock + anatomy.width * (numLayers + (anatomy.shapes.has("positionEmbedding.weight") ? 2 : 0));
  const working = 4 * batchSize * Math.max(contextLength * ofToken, anatomy.width + anatomy.vocabSize); // one, then the other
  return { weights, cache, working, peak: weights + cache + working };
}

/** Matrices in the format, where their rows are whole blocks; the rest in float32. */
function weightBytes({ shapes }: Anatomy, format: WeightFormat): number {
  let total = 0;
  for (const [path, shape] of shapes) {
    const size = shape.reduce((product, length) => product * length, 1);
    const inputs = /(Embedding|head)\.weight$/.test(path) ? shape[1] : shape[0];
    const isStored = shape.length === 2 && ((inputs as number) % 32 === 0 || !format.startsWith("Q"));
    total += size * (isStored ? BYTES[format] : BYTES.F32);
  }
  return total;
}

function cacheBytes({ causal, count, numKeyValueHeads, headWidth }: Layers, contextLength: number): number {
  return causal ? 4 * 2 * count * numKeyValueHeads * headWidth * contextLength : 0;
}

/** Numbers for each token that a block computes on the way, at the widest place. */
function workingOfToken(width: number, layer: Layers): number {
  const { numHeads, numKeyValueHeads, headWidth, gated, feedForwardWidth } = layer;
  const attention = 2 * width + headWidth * (3 * numHeads + 3 * numKeyValueHeads);
  return Math.max(attention, (gated ? 3 : 2) * feedForwardWidth + 5 * width);
}
