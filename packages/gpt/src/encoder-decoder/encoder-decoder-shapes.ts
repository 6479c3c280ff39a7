import { attentionShapes, type BlockConfig, blockShapes, normShapesOf } from "../blocks.ts";
import type { Shapes } from "../shapes.ts";
import {
  type EncoderDecoderConfig,
  encoderDecoderBlocks,
  resolveEncoderDecoderConfig,
} from "./encoder-decoder-config.ts";

/** The path and shape of every parameter of an encoder-decoder, in the order of `parameters(model)`. */
export function encoderDecoderShapes(config: EncoderDecoderConfig): Map<string, readonly number[]> {
  const resolved = resolveEncoderDecoderConfig(config);
  const { vocabSize, numLayers, numDecoderLayers, numHeads, numBuckets, width, tieEmbeddings } = resolved;
  const blocks = encoderDecoderBlocks(resolved);
  const stack = (path: string, count: number, shapesOf: typeof blockShapes): Shapes => [
    ...Array.from({ length: count }, (_, layer) =>
      withPositions(shapesOf(`${path}.blocks.${layer}`, blocks), layer, [numBuckets, numHeads]),
    ).flat(),
    ...normShapesOf(`${path}.finalNorm`, blocks),
  ];
  return new Map([
    ["tokenEmbedding.weight", [vocabSize, width]],
    ...stack("encoder", numLayers, blockShapes),
    ...stack("decoder", numDecoderLayers, crossBlockShapes),
    ...(tieEmbeddings ? [] : [["head.weight", [vocabSize, width]] as const]),
  ]);
}

/** The first block of a stack holds the relative positions of all. */
function withPositions(block: Shapes, layer: number, shape: readonly number[]): Shapes {
  if (layer > 0) return block;
  return block.flatMap((entry) => {
    const [path] = entry;
    if (!path.endsWith(".attention.output.weight")) return [entry];
    return [entry, [path.replace("output.weight", "relativePosition.weight"), shape] as const];
  });
}

function crossBlockShapes(path: string, config: BlockConfig): Shapes {
  const block = blockShapes(path, config);
  const split = block.findIndex(([name]) => name.startsWith(`${path}.feedForwardNorm`));
  return [
    ...block.slice(0, split),
    ...normShapesOf(`${path}.crossAttentionNorm`, config),
    ...attentionShapes(`${path}.crossAttention`, config),
    ...block.slice(split),
  ];
}
