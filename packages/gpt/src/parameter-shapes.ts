import type { Gpt2Config } from "./config.ts";

/** The path and shape of every parameter of a GPT-2, in the order of `parameters(model)`, without making the model. */
export function parameterShapes(config: Gpt2Config): Map<string, readonly number[]> {
  const { vocabSize, contextLength, numLayers, width, bias = true } = config;
  const norm = (path: string): Shapes => [
    [`${path}.scale`, [width]],
    ...(bias ? [[`${path}.shift`, [width]] as const] : []),
  ];
  const linear = (path: string, inputs: number, outputs: number): Shapes => [
    [`${path}.weight`, [inputs, outputs]],
    ...(bias ? [[`${path}.bias`, [outputs]] as const] : []),
  ];
  const block = (path: string): Shapes => [
    ...norm(`${path}.attentionNorm`),
    ...linear(`${path}.attention.qkv`, width, 3 * width),
    ...linear(`${path}.attention.output`, width, width),
    ...norm(`${path}.feedForwardNorm`),
    ...linear(`${path}.feedForward.up`, width, 4 * width),
    ...linear(`${path}.feedForward.down`, 4 * width, width),
  ];
  return new Map([
    ["tokenEmbedding.weight", [vocabSize, width]],
    ["positionEmbedding.weight", [contextLength, width]],
    ...Array.from({ length: numLayers }, (_, layer) => block(`blocks.${layer}`)).flat(),
    ...norm("finalNorm"),
  ]);
}

type Shapes = readonly (readonly [path: string, shape: readonly number[]])[];

/** How many numbers a GPT-2 learns; the tied head counts once. GPT-2 small: 124,439,808. */
export function countParameters(config: Gpt2Config): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += shape.reduce((product, length) => product * length, 1);
  return count;
}
