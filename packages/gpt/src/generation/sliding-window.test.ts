import { memory, setBackend, tidy } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDecoder, type Decoder } from "../decoder/decoder.ts";
import type { DecoderConfig } from "../decoder/decoder-config.ts";
import { collect } from "../testing/collect.ts";
import { Watched } from "../testing/models.ts";
import { beamSearch } from "./beam-search.ts";
import { Conversation } from "./conversation.ts";
import { generate, generateBatch } from "./generate.ts";
import type { GenerateOptions } from "./options.ts";

const sizes = { vocabSize: 50, numLayers: 2, numHeads: 2, width: 8, feedForwardWidth: 12, numKeyValueHeads: 1 };

/** A model whose texts depend on all that it sees. */
function lively(config: Partial<DecoderConfig>): Decoder {
  const model = createDecoder({ ...sizes, contextLength: 200, slidingWindow: 4, ...config }, 1);
  tidy(() => {
    for (const each of parameters(model).values()) if (each.rank === 2) each.assign(each.mul(15));
  });
  return model;
}

const kinds: Readonly<Record<string, Partial<DecoderConfig>>> = {
  "in all layers": {},
  "in some layers": { numLayers: 3, fullAttentionLayers: [1] },
  "with learned positions": { positions: "learned" },
  "with ALiBi": { positions: "alibi" },
  "in a text that outgrows its context": { contextLength: 40 },
};
const prompt = Array.from({ length: 26 }, (_, i) => (i * i + 3) % 50);

beforeAll(() => setBackend("cpu"));

describe.each(Object.entries(kinds))("a sliding window %s", (_, config) => {
  let model: Decoder;
  beforeAll(() => {
    model = lively(config);
  });
  afterAll(() => dispose(model));

  test.each<GenerateOptions>([
    { maxNewTokens: 40, temperature: 0, chunkSize: 1 },
    { maxNewTokens: 24, seed: 1, chunkSize: 3 },
    { maxNewTokens: 12, seed: 2, chunkSize: 8 },
  ])("gives the same text with a cache and without, long after the window: %j", async (options) => {
    const before = memory().numTensors;
    const tokens = await collect(generate(model, prompt, options));
    expect(new Set(tokens).size).toBeGreaterThan(2);
    expect(tokens).toEqual(await collect(generate(new Watched(model), prompt, options)));
    expect(memory().numTensors).toBe(before);
  });

  test("gives the same texts to many prompts, beams, drafts and conversations", async () => {
    const prompts = [prompt, [7], prompt.slice(5, 16)];
    const options = { maxNewTokens: 14, seed: 4, chunkSize: 2 };
    const texts: number[][] = prompts.map(() => []);
    for await (const [i, event] of generateBatch(model, prompts, options)) {
      if (event.type === "token") texts[i]?.push(event.token);
    }
    for (const [i, each] of prompts.entries()) {
      const alone = new Watched(model);
      expect(texts[i]).toEqual(await collect(generate(alone, each, { ...options, seed: 4 + i })));
    }
    const search = { maxNewTokens: 10, chunkSize: 2, numBeams: 3 };
    const [[beam], [expected]] = [
      await beamSearch(model, prompt, search),
      await beamSearch(new Watched(model), prompt, search),
    ];
    expect(beam?.tokens).toEqual(expected?.tokens);

    const greedy = { maxNewTokens: 24, temperature: 0, chunkSize: 2 };
    const draft = { model: lively({ ...config, numLayers: 1, fullAttentionLayers: [] }), count: 5 };
    const text = await collect(generate(model, prompt, greedy));
    expect(await collect(generate(model, prompt, { ...greedy, draft }))).toEqual(text);
    dispose(draft.model);

    const chat = new Conversation(model, { chunkSize: 2 });
    expect(await collect(chat.generate(prompt, greedy))).toEqual(text);
    // Back to where the window has long left, and on from there.
    const back = [...prompt.slice(0, 12), 9, 9];
    expect(await collect(chat.generate(back, greedy))).toEqual(await collect(generate(model, back, greedy)));
    chat.dispose();
  });
});

test("the memory of a long text is that of its window", async () => {
  const model = lively({ contextLength: 4000, slidingWindow: 16 });
  const before = memory();
  const bytes: number[] = [];
  let length = 0;
  for await (const _ of generate(model, prompt, { maxNewTokens: 600, temperature: 0, chunkSize: 8 })) {
    if (++length % 100 === 0) bytes.push(memory().numBytes - before.numBytes);
  }
  const rows = 16 + 4 + 3 * 8;
  const perRow = 2 * sizes.numLayers * 4 * 4; // keys and values of one head, float32
  for (const each of bytes) expect(each).toBeLessThan(rows * perRow + 100);
  expect(bytes).toHaveLength(6);
  expect(memory().numTensors).toBe(before.numTensors);
  dispose(model);
});
