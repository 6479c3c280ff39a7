import { rowsOfWindow } from "@tessera-lm/layers";
import { storedBytes } from "@tessera-lm/weights";
import { DEFAULT_CHUNK_SIZE } from "../generation/options.ts";
import { formatFor } from "../storage/stored-matrix.ts";
import type { Anatomy, Layers } from "./anatomy.ts";

/** How weights are kept in a model that is only run. */
export type WeightFormat = "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0";

export const WEIGHT_FORMATS: readonly WeightFormat[] = ["F32", "F16", "BF16", "Q8_0", "Q4_0"];

/** Bytes of tensors while a model generates. */
export interface InferenceMemory {
  readonly weights: number;
  /** Keys and values of all positions, or of those that layers with a sliding window keep, float32. */
  readonly cache: number;
  /** What one forward pass needs at most, over a chunk of 512 tokens of each prompt, or the logits of its last position. */
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
  const ofBlock = Math.max(...anatomy.layers.map((layer) => workingOfToken(anatomy.width, layer, contextLength)));
  // What goes into each block stays until the pass is over, as do tokens and positions that were added.
  const numLayers = anatomy.layers.reduce((total, { count }) => total + count, 0);
  const ofToken = ofBlock + anatomy.width * (numLayers + (anatomy.shapes.has("positionEmbedding.weight") ? 2 : 0));
  const numRead = isCausal(anatomy) ? Math.min(contextLength, DEFAULT_CHUNK_SIZE) : contextLength;
  const working = 4 * batchSize * Math.max(numRead * ofToken, anatomy.width + anatomy.vocabSize); // one, then the other
  return { weights, cache, working, peak: weights + cache + working };
}

/** Whether prompts are read in chunks; what sees both sides reads all at once, as the encoder of an encoder-decoder does. */
const isCausal = ({ layers }: Anatomy): boolean => layers.every(({ causal }) => causal);

/** What `quantizeModel` makes of the weights: matrices in the format, but for tables of positions, and the rest float32. */
function weightBytes({ shapes }: Anatomy, format: WeightFormat): number {
  let total = 0;
  for (const [path, shape] of shapes) {
    const size = shape.reduce((product, length) => product * length, 1);
    const isStored = shape.length === 2 && !/(positionEmbedding|relativePosition)\.weight$/.test(path);
    const inputs = (/(Embedding|head)\.weight$/.test(path) ? shape[1] : shape[0]) as number;
    total += storedBytes(isStored ? formatFor(format, inputs) : "F32", size);
  }
  return total;
}

function cacheBytes(layer: Layers, contextLength: number): number {
  const { causal, count, numAttentions, numKeyValueHeads, headWidth, slidingWindow } = layer;
  if (!causal) return 0;
  const ofWindow = slidingWindow === undefined ? Infinity : rowsOfWindow(slidingWindow, DEFAULT_CHUNK_SIZE);
  const numRows = Math.min(contextLength, ofWindow) + (numAttentions - 1) * contextLength; // the second reads the inputs
  return 4 * 2 * count * numKeyValueHeads * headWidth * numRows;
}

/** Scores (B, H, T, S) and biases (B, 1, T, S) that exist together in attention with a bias, which has no fused kernel. */
const BIASED_SCORES = 6;
const BIASES = 5.5;

/** Numbers for each token that a block computes on the way, at the widest place. */
function workingOfToken(width: number, layer: Layers, contextLength: number): number {
  const { numHeads, numKeyValueHeads, headWidth, gated, feedForwardWidth } = layer;
  const attention = 2 * width + headWidth * (3 * numHeads + 3 * numKeyValueHeads);
  const scores = layer.biasedScores ? (BIASED_SCORES * numHeads + BIASES) * contextLength : 0;
  return Math.max(attention + scores, (gated ? 3 : 2) * feedForwardWidth + 5 * width);
}
