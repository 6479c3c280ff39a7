import { blockShapes, normShapesOf } from "../blocks.ts";
import { linearShapes, type Shapes } from "../shapes.ts";
import { type EncoderConfig, encoderBlocks, resolveEncoderConfig } from "./encoder-config.ts";

/** The path and shape of every parameter of an encoder, in the order of `parameters(model)`, without making the model. */
export function encoderShapes(config: EncoderConfig): Map<string, readonly number[]> {
  const resolved = resolveEncoderConfig(config);
  const { vocabSize, contextLength, numTokenTypes, numLayers, width, positions, bias } = resolved;
  const blocks = encoderBlocks(resolved);
  const table = (path: string, count: number): Shapes => [[`${path}.weight`, [count, width]]];
  return new Map([
    ...table("tokenEmbedding", vocabSize),
    ...(positions === "learned" ? table("positionEmbedding", contextLength) : []),
    ...(numTokenTypes > 0 ? table("tokenTypeEmbedding", numTokenTypes) : []),
    ...normShapesOf("embeddingNorm", resolved),
    ...Array.from({ length: numLayers }, (_, layer) => blockShapes(`blocks.${layer}`, blocks)).flat(),
    ...(resolved.postNorm ? [] : normShapesOf("finalNorm", resolved)),
    ...(resolved.pooler ? linearShapes("pooler", width, width, bias) : []),
    ...(resolved.maskedHead ? maskedHeadShapes(resolved) : []),
    ...(resolved.numLabels ? linearShapes("classifier", width, resolved.numLabels, bias) : []),
  ]);
}

function maskedHeadShapes(config: ReturnType<typeof resolveEncoderConfig>): Shapes {
  const { width, vocabSize, bias } = config;
  return [
    ...linearShapes("maskedHead.dense", width, width, bias),
    ...normShapesOf("maskedHead.norm", config),
    ["maskedHead.bias", [vocabSize]],
  ];
}
