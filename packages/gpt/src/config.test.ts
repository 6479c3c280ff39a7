import { expect, test } from "vitest";
import { type Gpt2Config, resolveConfig } from "./config.ts";
import { createDecoder } from "./decoder/decoder.ts";
import { createGpt2 } from "./decoder/gpt2.ts";
import { createEncoder } from "./encoder/encoder.ts";
import { createEncoderDecoder } from "./encoder-decoder/encoder-decoder.ts";
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

test.each([null, undefined, 5, "gpt2"])("a configuration that is %j is refused", (config) => {
  for (const create of [createGpt2, createDecoder, createEncoder, createEncoderDecoder]) {
    expect(() => create(config as never, 1)).toThrow(ConfigError);
    expect(() => create(config as never, 1)).toThrow(/Config: the configuration is .*; it must be an object/);
  }
});
