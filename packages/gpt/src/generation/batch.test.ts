import { memory } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { describe, expect, test } from "vitest";
import { collect } from "../testing/collect.ts";
import { decoders, Watched } from "../testing/models.ts";
import type { GenerationEvent } from "./events.ts";
import { generateBatch, generateEvents } from "./generate.ts";
import type { BatchOptions } from "./options.ts";

const prompts = [[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], [7], [2, 7, 1, 8], [1, 1, 2, 3, 5, 8, 13, 21, 34, 5, 8]];

async function eventsOfEach(batch: AsyncIterable<readonly [number, GenerationEvent]>): Promise<GenerationEvent[][]> {
  const events: GenerationEvent[][] = prompts.map(() => []);
  for await (const [prompt, event] of batch) events[prompt].push(event);
  return events;
}

const settings: BatchOptions[] = [
  { maxNewTokens: 9, temperature: 0 },
  { maxNewTokens: 9, seed: 7, chunkSize: 3 },
  { maxNewTokens: 30, seed: 8 },
  { maxNewTokens: 9, seed: 9, repetitionPenalty: 1.2, stopTokens: Array.from({ length: 8 }, (_, i) => i) },
];

describe.each(Object.entries(decoders))("%s", (_, make) => {
  test.each(settings)("continues prompts together as alone: %j", async (options) => {
    const model = make();
    const before = memory().numTensors;
    const together = await eventsOfEach(generateBatch(model, prompts, options));
    expect(memory().numTensors).toBe(before);
    for (const [i, prompt] of prompts.entries()) {
      const alone = { ...options, decoder: undefined, seed: (options.seed ?? 0) + i };
      expect(together[i]).toEqual(await collect(generateEvents(model, prompt, alone)));
    }
    dispose(model);
  });
});

test("when half of the texts have ended, the others go on without them", async () => {
  const model = new Watched(decoders.ALiBi(), { supportsCache: true });
  const batchSizes: number[] = [];
  const { forward } = model;
  model.forward = (tokens, options) => {
    batchSizes.push(tokens.shape[0]);
    return forward.call(model, tokens, options);
  };
  const options = { maxNewTokens: 60, temperature: 0.5, seed: 2, stopTokens: Array.from({ length: 5 }, (_, i) => i) };
  await eventsOfEach(generateBatch(model, prompts, options));
  expect([...new Set(batchSizes)]).toEqual([4, 2, 1]);
});

test("a model without a cache continues many prompts, too", async () => {
  const model = decoders.ALiBi();
  const options = { maxNewTokens: 5 };
  const expected = await eventsOfEach(generateBatch(model, prompts, options));
  expect(await eventsOfEach(generateBatch(new Watched(model), prompts, options))).toEqual(expected);
  dispose(model);
});

test("each prompt has a decoder of its own", async () => {
  const model = decoders["GPT-2"]();
  const decoder = (prompt: number) => ({ push: () => `${prompt}`, end: () => "." });
  const events = await eventsOfEach(generateBatch(model, prompts, { maxNewTokens: 2, decoder }));
  expect(events.map((each) => each.map(({ text }) => text).join(""))).toEqual(["00.", "11.", "22.", "33."]);
  dispose(model);
});

test("no prompts, no events", async () => {
  const model = decoders["GPT-2"]();
  expect(await collect(generateBatch(model, [], { maxNewTokens: 2 }))).toEqual([]);
  dispose(model);
});

test("stop tokens that can be gone through once stop every text", async () => {
  const model = decoders["GPT-2"]();
  const stopTokens = Array.from({ length: 25 }, (_, i) => i);
  const options = { maxNewTokens: 20, seed: 1 };
  const events = await eventsOfEach(generateBatch(model, prompts, { ...options, stopTokens: stopTokens.values() }));
  expect(events).toEqual(await eventsOfEach(generateBatch(model, prompts, { ...options, stopTokens })));
  dispose(model);
});

test("a draft is refused", async () => {
  const model = decoders["GPT-2"]();
  const options = { maxNewTokens: 2, draft: { model } };
  expect(() => generateBatch(model, prompts, options)).toThrow("generateBatch: there is no draft for many prompts");
  dispose(model);
});
