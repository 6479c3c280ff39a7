import type { Anatomy, Layers } from "./anatomy.ts";

/** Floating-point operations, a multiplication and an addition counting as two. */
export interface Flops {
  /** Of one text of `contextLength` tokens; an encoder-decoder reads and writes as many. */
  readonly forward: number;
  /** Twice as many: each product has two gradients. */
  readonly backward: number;
  /** Of training, for each token: (forward + backward) / contextLength. */
  readonly perToken: number;
  /** The estimate 6 · N + 12 · layers · heads · headWidth · contextLength (Chowdhery et al. 2022), N without positions. */
  readonly perTokenEstimate: number;
}

/**
 * The operations of a model, as nanoGPT counts them: products with weights, 2 · T for each number, and those of
 * attention, 4 · T² · H · D in each layer, as if every token saw all others but for a sliding window; norms,
 * activations and the softmax are left out.
 */
export function countFlops(anatomy: Anatomy, contextLength: number): Flops {
  const layers = anatomy.layers.map((layer) => layer.count * layerFlops(anatomy.width, layer, contextLength));
  const forward = sum(layers) + 2 * contextLength * anatomy.width * anatomy.vocabSize;
  return {
    forward,
    backward: 2 * forward,
    perToken: (3 * forward) / contextLength,
    perTokenEstimate:
      6 * withoutPositions(anatomy) + sum(anatomy.layers.map((each) => attentionEstimate(each, contextLength))),
  };
}

function layerFlops(width: number, layer: Layers, time: number): number {
  const { headWidth, numHeads, numKeyValueHeads, numAttentions, feedForwardWidth, gated, slidingWindow } = layer;
  const projections = 2 * width * headWidth * (numHeads + numKeyValueHeads); // query and output, key and value
  const feedForward = (gated ? 3 : 2) * width * feedForwardWidth;
  const seen = Math.min(slidingWindow ?? time, time);
  const attention = 4 * seen * numHeads * headWidth; // q · kᵀ, and the mix of the values
  return time * (numAttentions * (2 * projections + attention) + 2 * feedForward);
}

function attentionEstimate({ count, numAttentions, numHeads, headWidth, slidingWindow }: Layers, time: number): number {
  return 12 * count * numAttentions * numHeads * headWidth * Math.min(slidingWindow ?? time, time);
}

function withoutPositions({ parameters, shapes }: Anatomy): number {
  const [rows = 0, width = 0] = shapes.get("positionEmbedding.weight") ?? [];
  return parameters - rows * width;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
