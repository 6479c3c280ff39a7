import { dispose } from "@tessera-lm/layers";
import { describe, expect, test } from "vitest";
import { collect } from "../testing/collect.ts";
import { decoders, Watched } from "../testing/models.ts";
import { generate } from "./generate.ts";
import type { GenerateOptions } from "./options.ts";

const settings: GenerateOptions[] = [
  { maxNewTokens: 14, temperature: 0 },
  { maxNewTokens: 14, seed: 3 },
  { maxNewTokens: 14, seed: 4, chunkSize: 2, repetitionPenalty: 1.5 },
  { maxNewTokens: 40, seed: 5 },
];

describe.each(Object.entries(decoders))("%s", (_, make) => {
  test.each(settings)("has the same text with a cache and without: %j", async (options) => {
    const model = make();
    const prompt = [3, 1, 4, 1, 5, 9];
    const tokens = await collect(generate(model, prompt, options));
    expect(tokens).toHaveLength(options.maxNewTokens);
    expect(tokens).toEqual(await collect(generate(new Watched(model), prompt, options)));
    dispose(model);
  });
});

const model = (decoders["GPT-2"] as () => ReturnType<(typeof decoders)[string]>)();
const watched = (): Watched => new Watched(model, { supportsCache: true });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

test("a prompt is read in chunks, then each token on its own", async () => {
  const reading = watched();
  await collect(generate(reading, numbers(11), { maxNewTokens: 4, chunkSize: 4 }));
  expect(reading.lengths).toEqual([4, 4, 3, 1, 1, 1]);
});

test("a text that outgrows the context is read again a quarter of it later", async () => {
  const reading = watched();
  await collect(generate(reading, numbers(19), { maxNewTokens: 9 }));
  expect(reading.lengths).toEqual([19, 1, 16, 1, 1, 1, 1, 16, 1]);
});

test("of a prompt that is too long the end is read where asked for", async () => {
  const prompt = numbers(33);
  const tokens = await collect(generate(model, prompt, { maxNewTokens: 3, truncatePrompt: true }));
  expect(tokens).toEqual(await collect(generate(model, prompt.slice(15), { maxNewTokens: 3 })));
});
