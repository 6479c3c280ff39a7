import { memory, ones, randomNormal, type Tensor, type Tensor2D, tensor2d, tidy, zerosLike } from "@tensorflow/tfjs";
import {
  Conversation,
  createDecoder,
  createEncoderDecoder,
  createGpt2,
  type Decoder,
  type GenerateOptions,
  generate,
  generateBatch,
  quantizeModel,
} from "@tessera-lm/gpt";
import { dispose, type LanguageModel, type Parameter, parameters } from "@tessera-lm/layers";
import { adamwStep } from "@tessera-lm/ops";
import { afterEach, describe, expect, it, vi } from "vitest";
import { engines } from "./testing/engines.ts";
import { useBackend } from "./use-backend.ts";

const sizes = { vocabSize: 70, contextLength: 24, numLayers: 2, numHeads: 4, width: 32 };
const models: readonly (readonly [string, () => LanguageModel])[] = [
  ["GPT-2", () => createGpt2(sizes, 1)],
  ["Llama", () => createDecoder({ ...sizes, numKeyValueHeads: 2, norm: "rms", positions: "rotary", gated: true }, 1)],
  ["ALiBi", () => createDecoder({ ...sizes, positions: "alibi" }, 1)],
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

  it("writes from what an encoder has read, in steps that are repeated", async () => {
    const write = async (backend: Parameters<typeof useBackend>[0]): Promise<[tokens: number[], passes: number]> => {
      await useBackend(backend);
      const made = createEncoderDecoder({ ...sizes, numBuckets: 8, maxDistance: 20 }, 1);
      tidy(() => matrices(made).forEach((each) => void each.assign(each.mul(8))));
      const [inputs, mask] = [tensor2d([[9, 4, 7, 7, 1]]), tensor2d([[1, 1, 1, 1, 0]])].map((ids) => ids.toInt());
      const decode = vi.spyOn(made, "decode");
      const writer = made.reading(inputs as Tensor2D, { mask: mask as Tensor2D });
      const tokens = await collect(generate(writer, [0, 8, 9], { maxNewTokens: 60, seed: 1 }));
      writer.dispose();
      dispose([made, inputs, mask]);
      return [tokens, decode.mock.calls.length];
    };
    const [tokens, passes] = await write(engine);
    expect(new Set(tokens).size).toBeGreaterThan(5);
    expect(passes).toBeLessThanOrEqual(3);
    expect(tokens).toEqual((await write("cpu"))[0]);
  });

  it("repeats steps of a sliding window until its rows move", async () => {
    const write = async (backend: Parameters<typeof useBackend>[0]): Promise<[tokens: number[], passes: number]> => {
      await useBackend(backend);
      const made = lively({ ...sizes, contextLength: 200, slidingWindow: 32, fullAttentionLayers: [0] });
      const forward = vi.spyOn(made, "forward");
      const tokens = await collect(generate(made, prompt, { maxNewTokens: 110, seed: 1, chunkSize: 4 }));
      dispose(made);
      return [tokens, forward.mock.calls.length];
    };
    const [tokens, passes] = await write(engine);
    expect(new Set(tokens).size).toBeGreaterThan(20);
    expect(passes).toBeLessThan(25);
    expect(tokens).toEqual((await write("cpu"))[0]);
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

/** Ways to change a model's weights, of which one stays where it is in memory. */
const changes: Readonly<Record<string, (model: Decoder) => Promise<unknown>>> = {
  "assigned other values": async (model) => tidy(() => matrices(model).forEach(assignAnew)),
  "trained in place": async (model) => trainAStep(matrices(model)),
  quantised: (model) => quantizeModel(model, "Q4_0"),
  "put in place of others": async (model) => {
    const [block] = createDecoder(sizes, 9).blocks;
    model.blocks[0] = block as Decoder["blocks"][number];
  },
};

const matrices = (model: object): Parameter[] => [...parameters(model).values()].filter(({ rank }) => rank === 2);

function assignAnew(parameter: Parameter): void {
  parameter.assign(randomNormal(parameter.shape as [number, number], 0, 0.3, "float32", 5));
}

function trainAStep(all: readonly Parameter[]): void {
  tidy(() => {
    const gradients = all.map((parameter, i) => (i % 2 === 0 ? zerosLike(parameter) : ones(parameter.shape)));
    const moments = all.map((parameter) => zerosLike(parameter).variable());
    const second = all.map((parameter) => zerosLike(parameter).variable());
    const weightDecays = all.map(() => 0);
    const rates = { learningRate: 0.5, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: 1, weightDecays };
    adamwStep({ parameters: all, gradients, firstMoments: moments, secondMoments: second, ...rates });
    for (const each of [...moments, ...second]) each.dispose();
  });
}

async function collect(tokens: AsyncIterable<number>, each?: (count: number) => unknown): Promise<number[]> {
  const all: number[] = [];
  for await (const token of tokens) {
    all.push(token);
    await each?.(all.length);
  }
  return all;
}

/** A model whose texts are not always the same token. */
function lively(config: Parameters<typeof createDecoder>[0] = sizes): Decoder {
  const made = createDecoder(config, 1);
  tidy(() => {
    for (const each of matrices(made)) each.assign(each.mul(8) as Tensor);
  });
  return made;
}

describe.each([...engines, "cpu"] as const)("what was read on %s", (engine) => {
  const options: GenerateOptions = { maxNewTokens: 8, temperature: 0 };

  describe.each(Object.entries(changes))("from a model whose weights are %s", (_, change) => {
    it("is read again by the next turn", async () => {
      await useBackend(engine);
      const changing = lively();
      const chat = new Conversation(changing);
      const first = await collect(chat.generate(prompt, options));
      await change(changing);
      const next = [...prompt, ...first];
      const second = await collect(chat.generate(next, options));
      expect(second).toEqual(await collect(generate(changing, next, options)));
      expect(second).not.toEqual(await collect(generate(lively(), next, options)));
      chat.dispose();
    });
  });

  it("is read again by the text that goes on", async () => {
    await useBackend(engine);
    const changing = lively();
    const text = await collect(generate(changing, prompt, options), (count) => {
      if (count === 4) tidy(() => matrices(changing).forEach(assignAnew));
    });
    const rest = await collect(generate(changing, [...prompt, ...text.slice(0, 4)], { ...options, maxNewTokens: 4 }));
    expect(text.slice(4)).toEqual(rest);
  });

  it("is not gone on with when the model is disposed of", async () => {
    await useBackend(engine);
    const before = memory().numTensors;
    const gone = lively();
    const text = collect(generate(gone, prompt, options), (count) => {
      if (count === 5) dispose(gone);
    });
    await expect(text).rejects.toThrow("the model's tokenEmbedding.weight has been disposed of");
    expect(memory().numTensors).toBe(before);
  });

  it.each([{}, { chunkSize: 2 }])("is not gone on with when the conversation is disposed of: %j", async (how) => {
    await useBackend(engine);
    model = lively();
    const before = memory().numTensors;
    const chat = new Conversation(model, how);
    const text = collect(chat.generate(prompt, options), (count) => {
      if (count === 4) chat.dispose();
    });
    await expect(text).rejects.toThrow("the conversation was disposed of while a text was being generated");
    expect(memory().numTensors).toBe(before);
  });

  it("takes no more memory than the text needs", async () => {
    await useBackend(engine);
    model = lively({ ...sizes, contextLength: 131_072, positions: "rotary" });
    const chat = new Conversation(model);
    const before = memory();
    await collect(chat.generate(prompt, { maxNewTokens: 2 }));
    const perToken = 2 * sizes.numLayers * sizes.width * 4;
    expect(memory().numBytes - before.numBytes).toBeLessThan(2 * 128 * perToken + 2 ** 19);
    chat.dispose();
    expect(memory().numTensors).toBe(before.numTensors);
  });

  it("grows with a text that has no end", async () => {
    await useBackend(engine);
    model = lively({ ...sizes, contextLength: 200, positions: "rotary", numKeyValueHeads: 2 });
    const before = memory().numTensors;
    const text: number[] = [];
    for await (const token of generate(model, prompt, { temperature: 0, maxNewTokens: Infinity })) {
      if (text.push(token) === 150) break;
    }
    expect(memory().numTensors).toBe(before);
    // The same read at once, where each token is likeliest after those before it.
    const logits = tidy(() => model?.forward(tensor2d([[...prompt, ...text]], [1, 155], "int32")).squeeze([0]));
    const likeliest = await (logits as Tensor2D).argMax(1).data();
    expect([...likeliest.slice(prompt.length - 1, -1)]).toEqual(text);
  });
});
