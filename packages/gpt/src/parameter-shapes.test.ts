import { dispose, parameters } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { createGpt2 } from "./decoder/gpt2.ts";
import { countParameters, parameterShapes } from "./parameter-shapes.ts";

const gpt2 = (numLayers: number, numHeads: number, width: number) => {
  return { vocabSize: 50257, contextLength: 1024, numLayers, numHeads, width };
};

test.each([
  ["small", gpt2(12, 12, 768), 124_439_808],
  ["medium", gpt2(24, 16, 1024), 354_823_168],
  ["large", gpt2(36, 20, 1280), 774_030_080],
  ["XL", gpt2(48, 25, 1600), 1_557_611_200],
  ["small without biases", { ...gpt2(12, 12, 768), bias: false }, 124_337_664],
])("GPT-2 %s has the published number of parameters", (_, config, count) => {
  expect(countParameters(config)).toBe(count);
});

test.each([{ bias: true }, { bias: false }, { feedForwardWidth: 12, tieEmbeddings: false }])(
  "shapes are those of a real model, in its order (%j)",
  (choice) => {
    const config = { vocabSize: 11, contextLength: 6, numLayers: 2, numHeads: 2, width: 8, ...choice };
    const model = createGpt2(config, 1);
    const real = [...parameters(model)].map(([path, { shape }]) => [path, shape]);
    expect([...parameterShapes(config)]).toEqual(real);
    expect(countParameters(config)).toBe([...parameters(model).values()].reduce((sum, { size }) => sum + size, 0));
    dispose(model);
  },
);
