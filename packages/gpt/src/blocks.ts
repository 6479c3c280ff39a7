import {
  type Activation,
  Block,
  createFeedForward,
  createGatedFeedForward,
  createLayerNorm,
  createMultiHeadAttention,
  createRmsNorm,
  type Initializer,
  type MultiHeadAttention,
  type MultiHeadAttentionOptions,
  PostNormBlock,
  type Projection,
} from "@tessera-lm/layers";
import { linearShapes, normShapes, type Shapes } from "./shapes.ts";

/** A block of attention with query, key and value apart, and a feed-forward part. */
export type TransformerBlock = Block<MultiHeadAttention, Projection>;

/** What the blocks of decoders and encoders are made of. */
export interface BlockConfig {
  readonly numLayers: number;
  readonly numHeads: number;
  readonly numKeyValueHeads: number;
  readonly width: number;
  readonly headWidth: number;
  readonly feedForwardWidth: number;
  readonly activation: Activation;
  readonly gated: boolean;
  readonly norm: "layer" | "rms";
  readonly normEpsilon: number;
  readonly postNorm: boolean;
  readonly dropout: number;
  readonly bias: boolean;
  readonly queryKeyValueBias: boolean;
  readonly feedForwardBias: boolean;
}

/** Its two projections that end in the residual stream start at N(0, (0.02 / √(2 · numLayers))²), as in GPT-2. */
export function createTransformerBlock(
  config: BlockConfig,
  attention: Omit<Partial<MultiHeadAttentionOptions>, keyof BlockConfig>,
  initialize: Initializer,
): TransformerBlock {
  const { numLayers, feedForwardWidth: hiddenWidth, gated, postNorm, feedForwardBias: bias } = config;
  const outputStd = 0.02 / Math.sqrt(2 * numLayers);
  const feedForward = { ...config, bias, hiddenWidth, outputStd };
  return new (postNorm ? PostNormBlock : Block)({
    attentionNorm: createNorm(config),
    attention: createMultiHeadAttention({ ...config, ...attention, outputStd }, initialize),
    feedForwardNorm: createNorm(config),
    feedForward: gated ? createGatedFeedForward(feedForward, initialize) : createFeedForward(feedForward, initialize),
  });
}

export function createNorm(config: Pick<BlockConfig, "norm" | "width" | "bias" | "normEpsilon">): Projection {
  const { norm, width, bias, normEpsilon: epsilon } = config;
  return norm === "rms" ? createRmsNorm({ width, epsilon }) : createLayerNorm({ width, bias, epsilon });
}

/** Path and shape of every parameter of `createNorm`. */
export const normShapesOf = (
  path: string,
  { norm, width, bias }: Pick<BlockConfig, "norm" | "width" | "bias">,
): Shapes => normShapes(path, width, norm === "layer" && bias);

/** Path and shape of every parameter of `createTransformerBlock`. */
export function blockShapes(path: string, config: BlockConfig): Shapes {
  const { width, feedForwardWidth: inner, feedForwardBias: bias, gated } = config;
  return [
    ...normShapesOf(`${path}.attentionNorm`, config),
    ...attentionShapes(`${path}.attention`, config),
    ...normShapesOf(`${path}.feedForwardNorm`, config),
    ...(gated ? linearShapes(`${path}.feedForward.gate`, width, inner, bias) : []),
    ...linearShapes(`${path}.feedForward.up`, width, inner, bias),
    ...linearShapes(`${path}.feedForward.down`, inner, width, bias),
  ];
}

/** Path and shape of every parameter of `createMultiHeadAttention`. */
export function attentionShapes(path: string, config: BlockConfig): Shapes {
  const { width, headWidth, numHeads, numKeyValueHeads, bias, queryKeyValueBias } = config;
  return [
    ...linearShapes(`${path}.query`, width, numHeads * headWidth, queryKeyValueBias),
    ...linearShapes(`${path}.key`, width, numKeyValueHeads * headWidth, queryKeyValueBias),
    ...linearShapes(`${path}.value`, width, numKeyValueHeads * headWidth, queryKeyValueBias),
    ...linearShapes(`${path}.output`, numHeads * headWidth, width, bias),
  ];
}
