import { type DecoderConfig, resolveDecoderConfig } from "./decoder-config.ts";
import { linearShapes, normShapes, type Shapes } from "./shapes.ts";

/** The path and shape of every parameter of a decoder, in the order of `parameters(model)`, without making the model. */
export function decoderShapes(config: DecoderConfig): Map<string, readonly number[]> {
  const resolved = resolveDecoderConfig(config);
  const { vocabSize, contextLength, numLayers, width, norm, bias, positions, postNorm, tieEmbeddings } = resolved;
  return new Map([
    ["tokenEmbedding.weight", [vocabSize, width]],
    ...(positions === "learned" ? [["positionEmbedding.weight", [contextLength, width]] as const] : []),
    ...Array.from({ length: numLayers }, (_, layer) => blockShapes(`blocks.${layer}`, resolved)).flat(),
    ...(postNorm ? [] : normShapes("finalNorm", width, norm === "layer" && bias)),
    ...(tieEmbeddings ? [] : [["head.weight", [vocabSize, width]] as const]),
  ]);
}

function blockShapes(path: string, config: ReturnType<typeof resolveDecoderConfig>): Shapes {
  const { width, headWidth, numHeads, numKeyValueHeads, feedForwardWidth: inner, norm, bias, gated } = config;
  const { queryKeyValueBias } = config;
  const shift = norm === "layer" && bias;
  return [
    ...normShapes(`${path}.attentionNorm`, width, shift),
    ...linearShapes(`${path}.attention.query`, width, numHeads * headWidth, queryKeyValueBias),
    ...linearShapes(`${path}.attention.key`, width, numKeyValueHeads * headWidth, queryKeyValueBias),
    ...linearShapes(`${path}.attention.value`, width, numKeyValueHeads * headWidth, queryKeyValueBias),
    ...linearShapes(`${path}.attention.output`, numHeads * headWidth, width, bias),
    ...normShapes(`${path}.feedForwardNorm`, width, shift),
    ...(gated ? linearShapes(`${path}.feedForward.gate`, width, inner, bias) : []),
    ...linearShapes(`${path}.feedForward.up`, width, inner, bias),
    ...linearShapes(`${path}.feedForward.down`, inner, width, bias),
  ];
}
