import { blockShapes, normShapesOf } from "../blocks.ts";
import { type DecoderConfig, resolveDecoderConfig } from "./decoder-config.ts";

/** The path and shape of every parameter of a decoder, in the order of `parameters(model)`, without making the model. */
export function decoderShapes(config: DecoderConfig): Map<string, readonly number[]> {
  const resolved = resolveDecoderConfig(config);
  const { vocabSize, contextLength, numLayers, width, positions, postNorm, tieEmbeddings } = resolved;
  return new Map([
    ["tokenEmbedding.weight", [vocabSize, width]],
    ...(positions === "learned" ? [["positionEmbedding.weight", [contextLength, width]] as const] : []),
    ...Array.from({ length: numLayers }, (_, layer) => blockShapes(`blocks.${layer}`, resolved)).flat(),
    ...(postNorm ? [] : normShapesOf("finalNorm", resolved)),
    ...(tieEmbeddings ? [] : [["head.weight", [vocabSize, width]] as const]),
  ]);
}
