import { memory, type Tensor2D, type Tensor3D, tensor2d, tensor3d, zeros } from "@tensorflow/tfjs";
import { dispose, type ForwardOptions, type LanguageModel, VocabularyError } from "@tessera-lm/layers";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { createDecoder } from "../decoder/decoder.ts";
import { createGpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createEncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { GenerationError, SequenceTooLongError } from "../errors.ts";
import { collect as all } from "../testing/collect.ts";
import { decoders, Table, Watched } from "../testing/models.ts";
import { beamSearch } from "./beam-search.ts";
import { Conversation } from "./conversation.ts";
import { generate, generateBatch } from "./generate.ts";
import type { CausalLanguageModel, GenerateOptions } from "./options.ts";

const model = createGpt2({ vocabSize: 13, contextLength: 6, numLayers: 1, numHeads: 2, width: 8 }, 5);
afterAll(() => dispose(model));

async function collect(
  options: GenerateOptions,
  prompt: Iterable<number> = [1, 2],
  of: LanguageModel = model,
): Promise<number[]> {
  return all(generate(of, prompt, options));
}

/** A model that counts: the next token is the last one plus one, and what it was asked is kept. */
class Counter implements LanguageModel {
  readonly vocabSize = 13;
  readonly contextLength = 4;
  readonly seen: number[][] = [];

  forward(tokens: Tensor2D, options?: ForwardOptions): Tensor3D {
    const [row] = tokens.arraySync();
    this.seen.push(row);
    expect(options?.lastOnly).toBe(true);
    expect(options?.seed).toBe(undefined);
    const logits = Array.from({ length: 13 }, (_, token) => (token === row[row.length - 1] + 1 ? 5 : 0));
    return tensor3d(logits, [1, 1, 13]);
  }
  tokenLosses = (): Tensor2D => zeros([1, 1]);
  loss = (): never => {
    throw new RangeError("not asked for");
  };
}

test("greedy tokens are fed back, and the model sees the last contextLength of them", async () => {
  const counter = new Counter();
  expect(await collect({ maxNewTokens: 4, temperature: 0 }, new Uint32Array([0, 1, 2]), counter)).toEqual([3, 4, 5, 6]);
  expect(counter.seen).toEqual([
    [0, 1, 2],
    [0, 1, 2, 3],
    [1, 2, 3, 4],
    [2, 3, 4, 5],
  ]);
});

test("a text ends where the model's texts end, unless other tokens are asked for, or none", async () => {
  class Ending extends Counter {
    readonly stopTokens = [7, 5];
  }
  const from = (options: Partial<GenerateOptions>): Promise<number[]> =>
    collect({ maxNewTokens: 6, temperature: 0, ...options }, [2], new Ending());
  expect(await from({})).toEqual([3, 4]);
  expect(await from({ stopTokens: undefined })).toEqual([3, 4]);
  expect(await from({ stopTokens: [6] })).toEqual([3, 4, 5]);
  expect(await from({ stopTokens: [] })).toEqual([3, 4, 5, 6, 7, 8]);
  const texts: number[][] = [[], []];
  for await (const [prompt, event] of generateBatch(new Ending(), [[2], [5]], { maxNewTokens: 6, temperature: 0 })) {
    if (event.type === "token") texts[prompt].push(event.token);
  }
  expect(texts).toEqual([[3, 4], [6]]);
  const [best] = await beamSearch(new Ending(), [2], { maxNewTokens: 6 });
  expect(best.tokens).toEqual([3, 4]);
  const chat = new Conversation(new Ending());
  expect(await all(chat.generate([2], { maxNewTokens: 6, temperature: 0 }))).toEqual([3, 4]);
  chat.dispose();
  const once = [6, 7].values(); // read once, for all texts
  const ends: unknown[] = [];
  const options = { maxNewTokens: 6, temperature: 0, stopTokens: once };
  for await (const [, event] of generateBatch(new Ending(), [[2], [2]], options)) {
    if (event.type === "end") ends.push(event.reason);
  }
  expect(ends).toEqual(["stop-token", "stop-token"]);
});

test("models name the tokens that end their texts", () => {
  const size = { vocabSize: 13, contextLength: 6, numLayers: 1, numHeads: 2, width: 8 };
  const models = [
    createGpt2({ ...size, endOfText: 3 }, 1),
    createGpt2(size, 1),
    createDecoder({ ...size, endOfText: [0, 4] }, 1),
  ];
  expect(models.map(({ stopTokens }) => stopTokens)).toEqual([[3], [], [0, 4]]);
  const translator = createEncoderDecoder({ ...size, endOfText: 1 }, 1);
  const inputs = tensor2d([[1]], [1, 1], "int32");
  const writer = translator.reading(inputs);
  expect(writer.stopTokens).toEqual([1]);
  writer.dispose();
  dispose([models, translator, inputs]);
});

test("a prompt longer than the context is refused, or cut at the front where asked for", async () => {
  const counter = new Counter();
  const prompt = [9, 8, 7, 6, 5, 4];
  await collect({ maxNewTokens: 1, temperature: 0, truncatePrompt: true }, prompt, counter);
  expect(counter.seen).toEqual([[7, 6, 5, 4]]);
  expect(await collect({ maxNewTokens: 3, truncatePrompt: true }, [1, 2, 3, 4, 5, 6, 7, 8, 9])).toHaveLength(3);
  expect(() => generate(counter, prompt, { maxNewTokens: 1 })).toThrow(SequenceTooLongError);
  expect(() => generate(counter, prompt, { maxNewTokens: 1 })).toThrow(
    "generate: a sequence of 6 tokens does not fit into the context of 4. Shorten the prompt, or let the model see its last tokens with truncatePrompt: true.",
  );
});

test("a stop token ends the text and is not part of it", async () => {
  expect(await collect({ maxNewTokens: 9, temperature: 0, stopTokens: [12, 5] }, [2], new Counter())).toEqual([3, 4]);
});

test("a text without a limit goes on beyond the context until something ends it", async () => {
  const text = await collect({ maxNewTokens: Infinity, temperature: 0, stopTokens: [12] }, [0], new Counter());
  expect(text).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  const endless: number[] = [];
  for await (const token of generate(model, [1], { maxNewTokens: Infinity, seed: 2 }))
    if (endless.push(token) > 20) break;
  expect(endless).toEqual(await collect({ maxNewTokens: 21, seed: 2 }, [1]));
});

test("a seed gives the same text each time, another seed another one", async () => {
  const [a, b, c] = await Promise.all([1, 1, 2].map((seed) => collect({ maxNewTokens: 12, seed })));
  expect(a).toHaveLength(12);
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
  expect(await collect({ maxNewTokens: 12 })).toEqual(await collect({ maxNewTokens: 12, seed: 0 }));
});

test("sampling takes other tokens than the likeliest; topK 1 does not", async () => {
  const sampled = await collect({ maxNewTokens: 6, seed: 3, temperature: 3 }, [0], new Counter());
  expect(sampled).not.toEqual([1, 2, 3, 4, 5, 6]);
  expect(await collect({ maxNewTokens: 6, seed: 3, temperature: 3, topK: 1 }, [0], new Counter())).toEqual([
    1, 2, 3, 4, 5, 6,
  ]);
});

test("an abort ends the text", async () => {
  const controller = new AbortController();
  const tokens: number[] = [];
  for await (const token of generate(model, [1], { maxNewTokens: 100, signal: controller.signal })) {
    tokens.push(token);
    if (tokens.length === 3) controller.abort();
  }
  expect(tokens).toHaveLength(3);
  expect(await collect({ maxNewTokens: 5, signal: AbortSignal.abort() })).toEqual([]);
});

test("an abort ends the reading of a prompt, too", async () => {
  const reading = new Watched(decoders.ALiBi(), { supportsCache: true });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 1);
  const options = { maxNewTokens: 1, chunkSize: 1, signal: controller.signal };
  const before = memory().numTensors;
  expect(await collect(options, Array(20).fill(1), reading)).toEqual([]);
  expect(memory().numTensors).toBe(before);
  expect(reading.lengths.length).toBeLessThan(20);
});

test("the event loop runs between tokens", async () => {
  let ticks = 0;
  const stop = new AbortController();
  const timer = setInterval(() => ++ticks === 3 && stop.abort(), 0);
  await collect({ maxNewTokens: 5000, signal: stop.signal });
  clearInterval(timer);
  expect(ticks).toBe(3);
});

test("logits that are no numbers end it with an error that says so", async () => {
  const damaged = new Table([
    [0, Number.NaN, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  await expect(collect({ maxNewTokens: 2 }, [0], damaged)).rejects.toThrow(GenerationError);
  await expect(collect({ maxNewTokens: 2 }, [0], damaged)).rejects.toThrow("the logit of token 1 is NaN or infinite");
  const impossible = new Table([
    [-Infinity, -Infinity],
    [0, 0],
  ]);
  await expect(collect({ maxNewTokens: 2 }, [0], impossible)).rejects.toThrow("there is no finite logit");
});

describe("nothing is left behind", () => {
  let before: number;
  beforeEach(() => {
    before = memory().numTensors;
  });
  afterEach(() => expect(memory().numTensors).toBe(before));

  test("at the end", () => collect({ maxNewTokens: 9 }));
  test("at the end, with a draft", () => collect({ maxNewTokens: 9, draft: { model } }));
  test("when nothing was asked for", () => void generate(model, [1], { maxNewTokens: 10 }));
  test("when the reader leaves early", async () => {
    for await (const _ of generate(model, [1], { maxNewTokens: 10, draft: { model } })) break;
  });
  test("when the reader throws", async () => {
    const read = async (): Promise<void> => {
      for await (const _ of generate(model, [1], { maxNewTokens: 10 })) throw new RangeError("of the reader");
    };
    await expect(read()).rejects.toThrow("of the reader");
  });
  test("when the model throws", async () => {
    const broken = new Watched(model, { supportsCache: true });
    broken.forward = (tokens, options) => {
      if (tokens.shape[1] > 2) throw new RangeError("of the model");
      return model.forward(tokens, options);
    };
    await expect(collect({ maxNewTokens: 3, chunkSize: 2 }, [1, 2], broken)).resolves.toHaveLength(3);
    await expect(collect({ maxNewTokens: 3 }, [1, 2, 3], broken)).rejects.toThrow("of the model");
  });
});

test.each<[GenerateOptions, number[], RegExp]>([
  [{ maxNewTokens: -1 }, [1], /maxNewTokens is -1/],
  [{ maxNewTokens: 1.5 }, [1], /maxNewTokens is 1.5; it must be a whole number of at least 0/],
  [{ maxNewTokens: 1, topK: 0 }, [1], /topK is 0/],
  [{ maxNewTokens: 1, minP: 2 }, [1], /minP is 2; it must be from 0 to 1/],
  [{ maxNewTokens: 1, repetitionPenalty: 0 }, [1], /repetitionPenalty is 0/],
  [{ maxNewTokens: 1, logProbabilities: -1 }, [1], /logProbabilities is -1/],
  [{ maxNewTokens: 1, chunkSize: 0 }, [1], /chunkSize is 0/],
  [{ maxNewTokens: 1, stopStrings: ["a"] }, [1], /stopStrings need a decoder/],
  [{ maxNewTokens: 1, stopStrings: [""] }, [1], /stopStrings is \[""\]; it must be a list of texts/],
  [{ maxNewTokens: 1, draft: { model: new Counter(), count: 0 } }, [1], /draft.count is 0/],
  [{ maxNewTokens: 1, draft: { model: new Table([[0]]) } }, [1], /the draft knows 1 tokens and the model 13/],
  [{ maxNewTokens: 1 }, [], /prompt is empty/],
])("%j with prompt %j is refused at once", (options, prompt, message) => {
  expect(() => generate(model, prompt, options)).toThrow(GenerationError);
  expect(() => generate(model, prompt, options)).toThrow(message);
});

/** What JavaScript lets through, by option. */
const NONSENSE: Readonly<Record<string, readonly unknown[]>> = {
  maxNewTokens: [undefined, null, "5", 5n, Number.NaN, {}],
  temperature: ["hot", "0.5", null, true, [1], {}, Number.NaN, Infinity],
  topK: ["5", null, true, 1.5, Number.NaN],
  topP: ["0.5", null, true, [0.5], 2, Number.NaN],
  minP: ["0.1", null, [], Number.NaN],
  repetitionPenalty: ["2", null, true, Number.NaN],
  seed: ["x", null, 0.5, Number.NaN, Infinity, {}],
  stopTokens: [5, "12", null, {}, ["a"], [Number.NaN], [-1]],
  stopStrings: ["x", 5, [5], null],
  logProbabilities: ["x", null, true],
  chunkSize: ["x", null],
  signal: ["x", {}, 5],
  decoder: [5, {}, "x"],
  draft: [5, {}, null, { model: 5 }, Promise.resolve()],
};
test.each(Object.entries(NONSENSE))("%s that is something else is refused at once", (option, values) => {
  for (const value of values) {
    const options = { maxNewTokens: 1, [option]: value } as unknown as GenerateOptions;
    expect(() => generate(model, [1], options)).toThrow(GenerationError);
    expect(() => generate(model, [1], options)).toThrow(
      new RegExp(`^generate: .*${option}.* is .*; it must be .*\\.$`),
    );
  }
});

test("models, prompts and options that are something else are refused at once", () => {
  const nothing = undefined as never;
  const one = { maxNewTokens: 1 };
  expect(() => generate(model, [1], nothing)).toThrow("the object of options is undefined; it must be such as {");
  expect(() => generate(Promise.resolve(model) as never, [1], one)).toThrow("the model is a Promise; it must be");
  expect(() => generate(nothing, [1], one)).toThrow("the model is undefined");
  for (const prompt of ["text", 5, {}, null, undefined] as never[]) {
    expect(() => generate(model, prompt, one)).toThrow("it must be a list of tokens, such as tokenizer.encode(text)");
    expect(() => generateBatch(model, prompt, one)).toThrow("it must be a list of prompts");
  }
  expect(() => generateBatch(model, [[1]], { ...one, decoder: {} as never })).toThrow("it must be a function that");
});

test.each([13, -1, 0.5])("a prompt with %d, which is no token of the model, is refused at once", (token) => {
  expect(() => generate(model, [1, token], { maxNewTokens: 1 })).toThrow(VocabularyError);
  expect(() => generate(model, [1, token], { maxNewTokens: 1 })).toThrow(`Token ${token} is not in the model's`);
});

test("an encoder and an encoder-decoder continue no text", async () => {
  const size = { vocabSize: 13, contextLength: 6, numLayers: 1, numHeads: 2, width: 8 };
  const [encoder, t5] = [createEncoder(size, 1), createEncoderDecoder(size, 1)];
  // @ts-expect-error: TypeScript refuses them
  expect(() => generate(encoder, [1], { maxNewTokens: 1 })).toThrow(/the model is an encoder, .* Take a decoder/);
  // @ts-expect-error
  await expect(beamSearch(encoder, [1], { maxNewTokens: 1 })).rejects.toThrow(GenerationError);
  // @ts-expect-error
  expect(() => generate(model, [1], { maxNewTokens: 1, draft: { model: encoder } })).toThrow(GenerationError);
  expect(() => generate(t5 as unknown as CausalLanguageModel, [1], { maxNewTokens: 1 })).toThrow(
    /model\.reading\(inputs\)/,
  );
  dispose([encoder, t5]);
});
