import { expect, test } from "vitest";
import { type Gpt2Config, resolveConfig } from "./config.ts";
import { ConfigError } from "./errors.ts";

const tiny: Gpt2Config = { vocabSize: 11, contextLength: 6, numLayers: 2, numHeads: 2, width: 8 };

test("the defaults are GPT-2's", () => {
  expect(resolveConfig(tiny)).toEqual({
    ...tiny,
    feedForwardWidth: 32,
    tieEmbeddings: true,
    dropout: 0,
    bias: true,
    activation: "gelu-tanh",
    layerNormEpsilon: 1e-5,
  });
});

test.each<[Partial<Record<keyof Gpt2Config, unknown>>, RegExp]>([
  [{ numHeads: 3 }, /width is 8; it must be a multiple of numHeads, which is 3/],
  [{ vocabSize: 0 }, /vocabSize is 0; .*positive whole number/],
  [{ numLayers: 1.5 }, /numLayers is 1.5/],
  [{ contextLength: undefined }, /contextLength is undefined/],
  [{ width: "8" }, /width is "8"/],
  [{ dropout: 1 }, /dropout is 1; it must be at least 0 and below 1/],
  [{ dropout: Number.NaN }, /dropout/],
  [{ vocabSize: Number.NaN }, /vocabSize is NaN/],
  [{ activation: "tanh" }, /activation is "tanh"; it must be "gelu-tanh" or "gelu"/],
  [{ feedForwardWidth: 0 }, /feedForwardWidth is 0/],
  [{ tieEmbeddings: "no" }, /tieEmbeddings is "no"/],
  [{ layerNormEpsilon: 0 }, /layerNormEpsilon is 0/],
  [{ endOfText: 11 }, /endOfText is 11; it must be a token below vocabSize, which is 11/],
])("%j is refused by name", (change, message) => {
  const make = (): unknown => resolveConfig({ ...tiny, ...change } as Gpt2Config);
  expect(make).toThrow(ConfigError);
  expect(make).toThrow(message);
});
