import { memory } from "@tensorflow/tfjs";
import { createDecoder, createGpt2, type GenerateOptions, generate, generateBatch } from "@tessera-lm/gpt";
import { dispose, type LanguageModel, parameters } from "@tessera-lm/layers";
import { afterEach, describe, expect, it } from "vitest";
import { engines } from "./testing/engines.ts";
import { useBackend } from "./use-backend.ts";

const sizes = { vocabSize: 70, contextLength: 24, numLayers: 2, numHeads: 4, width: 32 };
const models: readonly (readonly [string, () => LanguageModel])[] = [
  ["GPT-2", () => createGpt2(sizes, 1)],
  ["Llama", () => createDecoder({ ...sizes, numKeyValueHeads: 2, norm: "rms", positions: "rotary", gated: true }, 1)],
  ["ALiBi, which no engine repeats", () => createDecoder({ ...sizes, positions: "alibi" }, 1)],
];
const settings: readonly GenerateOptions[] = [
  { maxNewTokens: 40, temperature: 0 },
  { maxNewTokens: 20, seed: 1, temperature: 1.2, topK: 20, topP: 0.9, minP: 0.02 },
  { maxNewTokens: 10, seed: 2, repetitionPenalty: 1.3 },
];
const prompt = [3, 1, 4, 1, 5];

let model: LanguageModel | undefined;
afterEach(() => {
  if (model) dispose(model);
  model = undefined;
});

async function on(
  backend: Parameters<typeof useBackend>[0],
  make: () => LanguageModel,
  options: GenerateOptions,
): Promise<number[]> {
  await useBackend(backend);
  model = make();
  const before = memory().numTensors;
  const tokens = [];
  for await (const token of generate(model, prompt, options)) tokens.push(token);
  expect(memory().numTensors).toBe(before);
  dispose(model);
  model = undefined;
  return tokens;
}

describe.each(engines)("generation on %s", (engine) => {
  describe.each(models)("from %s", (_, make) => {
    it.each(settings)("gives cpu's text: %j", async (options) => {
      expect(await on(engine, make, options)).toEqual(await on("cpu", make, options));
    });
  });

  it("continues prompts together as alone", async () => {
    await useBackend(engine);
    model = createGpt2(sizes, 1);
    const prompts = [prompt, [7], [2, 7, 1, 8, 2, 8, 1, 8]];
    const texts: number[][] = prompts.map(() => []);
    for await (const [i, event] of generateBatch(model, prompts, { maxNewTokens: 30, seed: 5 })) {
      if (event.type === "token") texts[i]?.push(event.token);
    }
    for (const [i, prompt] of prompts.entries()) {
      const alone = [];
      for await (const token of generate(model, prompt, { maxNewTokens: 30, seed: 5 + i })) alone.push(token);
      expect(texts[i]).toEqual(alone);
    }
  });

  it("says that weights are damaged", async () => {
    await useBackend(engine);
    model = createGpt2(sizes, 1);
    const scale = parameters(model).get("finalNorm.scale");
    scale?.assign(scale.mul(Number.NaN));
    await expect(generate(model, prompt, { maxNewTokens: 1 }).next()).rejects.toThrow(
      "the logit of token 0 is NaN or infinite",
    );
  });
});
