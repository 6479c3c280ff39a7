import type { Gpt2Config } from "./config.ts";
import { countNumbers, linearShapes, normShapes, type Shapes } from "./shapes.ts";

/** The path and shape of every parameter of a GPT-2, in the order of `parameters(model)`, without making the model. */
export function parameterShapes(config: Gpt2Config): Map<string, readonly number[]> {
  const { vocabSize, contextLength, numLayers, width, bias = true, tieEmbeddings = true } = config;
  const { feedForwardWidth = 4 * width } = config;
  const block = (path: string): Shapes => [
    ...normShapes(`${path}.attentionNorm`, width, bias),
    ...linearShapes(`${path}.attention.qkv`, width, 3 * width, bias),
    ...linearShapes(`${path}.attention.output`, width, width, bias),
    ...normShapes(`${path}.feedForwardNorm`, width, bias),
    ...linearShapes(`${path}.feedForward.up`, width, feedForwardWidth, bias),
    ...linearShapes(`${path}.feedForward.down`, feedForwardWidth, width, bias),
  ];
  return new Map([
    ["tokenEmbedding.weight", [vocabSize, width]],
    ["positionEmbedding.weight", [contextLength, width]],
    ...Array.from({ length: numLayers }, (_, layer) => block(`blocks.${layer}`)).flat(),
    ...normShapes("finalNorm", width, bias),
    ...(tieEmbeddings ? [] : [["head.weight", [vocabSize, width]] as const]),
  ]);
}

/** How many numbers a GPT-2 learns; a tied head counts once. GPT-2 small: 124,439,808. */
export function countParameters(config: Gpt2Config): number {
  return countNumbers(parameterShapes(config).values());
}
