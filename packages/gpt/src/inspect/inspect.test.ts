import { memory, tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose, type Embedding, VocabularyError } from "@tessera-lm/layers";
import { describe, expect, it, test } from "vitest";
import { createDecoder } from "../decoder/decoder.ts";
import { createGpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createEncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { GenerationError, MissingHeadError, SequenceTooLongError } from "../errors.ts";
import { indicesOfGreatest } from "../indices-of-greatest.ts";
import { attentionMaps } from "./attention-maps.ts";
import { type Inspectable, inspect } from "./inspect.ts";
import { predictionOf } from "./logits.ts";
import { nearestTokens } from "./nearest-tokens.ts";

const sizes = { vocabSize: 40, contextLength: 8, numLayers: 3, numHeads: 2, width: 16 };
const ids = [5, 6, 7, 5, 39];
const tokens = tensor2d(ids, [1, ids.length], "int32");

const models: Record<string, Inspectable> = {
  "GPT-2": createGpt2(sizes, 1),
  Llama: createDecoder({ ...sizes, numKeyValueHeads: 1 }, 2),
  "ALiBi, norms last": createDecoder({ ...sizes, positions: "alibi", postNorm: true, tieEmbeddings: true }, 3),
  "a sliding window": createDecoder({ ...sizes, slidingWindow: 2 }, 4),
  BERT: createEncoder(sizes, 5),
};

function softmax(logits: number[]): number[] {
  const exps = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = exps.reduce((sum, each) => sum + each, 0);
  return exps.map((each) => each / total);
}

describe.each(Object.entries(models))("inspect, %s", (name, model) => {
  const causal = name !== "BERT";

  it("tells the probabilities of the model itself, and the lens ends with them", async () => {
    const found = await inspect(model, ids, { numAlternatives: 3 });
    const logits = tidy(() => model.forward(tokens).arraySync()[0]) as number[][];
    ids.forEach((id, at) => {
      const from = causal ? at - 1 : at;
      if (from < 0) return void expect(found.expected[at]).toBeUndefined();
      const p = softmax(logits[from] as number[]);
      const { probability, rank, top } = found.expected[at] ?? { top: [] };
      expect(probability).toBeCloseTo(p[id] as number, 5);
      expect(rank).toBe(p.filter((each) => each > (p[id] as number)).length);
      expect(top.map(({ token }) => token)).toEqual(
        [...p.keys()].sort((a, b) => (p[b] as number) - (p[a] as number)).slice(0, 3),
      );
    });
    expect(found.lens).toHaveLength(4);
    expect(found.lens.at(-1)?.slice(0, -1)).toEqual(causal ? found.expected.slice(1) : found.expected.slice(0, -1));
    expect(found.next === undefined).toBe(!causal);
  });

  it("shows where each head looks", async () => {
    const { attention } = await inspect(model, ids);
    expect(attention.map(({ path }) => path)).toEqual([0, 1, 2].map((layer) => `blocks.${layer}.attention`));
    for (const { shape, weights } of attention) {
      expect(shape).toEqual([1, 2, 5, 5]);
      for (let row = 0; row < 10; row++) {
        const looks = [...weights.subarray(5 * row, 5 * row + 5)];
        expect(looks.reduce((sum, each) => sum + each)).toBeCloseTo(1, 5);
        const t = row % 5;
        const first = name === "a sliding window" ? Math.max(0, t - 1) : 0;
        for (const [s, weight] of looks.entries()) expect(weight > 0).toBe(!causal || (s <= t && s >= first));
      }
    }
  });

  it("leaves no tensor behind", async () => {
    await inspect(model, ids);
    const { numTensors } = memory();
    await inspect(model, ids);
    expect(memory().numTensors).toBe(numTensors);
  });
});

test("the lens is the model without its last layers", async () => {
  const model = models.Llama as ReturnType<typeof createDecoder>;
  const { lens } = await inspect(model, ids);
  const [first, ...others] = model.blocks;
  try {
    model.blocks = [first as (typeof others)[number]];
    const short = await inspect(model, ids);
    expect(lens.slice(0, 2)).toEqual(short.lens);
  } finally {
    model.blocks = [first as (typeof others)[number], ...others];
  }
});

test("an encoder hides each token in turn", async () => {
  const model = models.BERT as ReturnType<typeof createEncoder>;
  const { expected } = await inspect(model, ids, { maskToken: 1 });
  const masked = tensor2d([5, 6, 1, 5, 39], [1, 5], "int32");
  const logits = tidy(() => model.forward(masked).arraySync()[0]?.[2]) as number[];
  expect(expected[2]?.probability).toBeCloseTo(softmax(logits)[7] as number, 5);
  const headless = createEncoder({ ...sizes, maskedHead: false }, 1);
  await expect(inspect(headless, ids)).rejects.toThrow(MissingHeadError);
});

test("maps of an encoder-decoder: both stacks, and what is read across", async () => {
  const model = createEncoderDecoder({ ...sizes, numLayers: 1 }, 1);
  const written = tensor2d([0, 3], [1, 2], "int32");
  const maps = await attentionMaps(model, () => model.forward(tokens, written));
  expect(maps.map(({ path, shape }) => [path, shape])).toEqual([
    ["encoder.blocks.0.attention", [1, 2, 5, 5]],
    ["decoder.blocks.0.attention", [1, 2, 2, 2]],
    ["decoder.blocks.0.crossAttention", [1, 2, 2, 5]],
  ]);
});

test("neighbours are those with the largest cosine, not the token itself", async () => {
  const model = models["GPT-2"] as ReturnType<typeof createGpt2>;
  const table = (model.tokenEmbedding as Embedding).weight.arraySync();
  const cosine = (a: number[], b: number[]): number =>
    a.reduce((sum, each, i) => sum + each * (b[i] as number), 0) / Math.hypot(...a) / Math.hypot(...b);
  const [found] = await nearestTokens(model.tokenEmbedding, 40, [7], 4);
  const expected = table.map((row, token) => ({ token, similarity: cosine(row, table[7] as number[]) }));
  const best = expected.filter(({ token }) => token !== 7).sort((a, b) => b.similarity - a.similarity);
  expect(found?.map(({ token }) => token)).toEqual(best.slice(0, 4).map(({ token }) => token));
  expect(found?.[0]?.similarity).toBeCloseTo(best[0]?.similarity as number, 5);
});

test("the largest come first, also where there are few, or equal ones", () => {
  expect(indicesOfGreatest(Float32Array.of(1, 5, 3, 5, 2), 3)).toEqual([1, 3, 2]);
  expect(indicesOfGreatest(Float32Array.of(1, 2), 5)).toEqual([1, 0]);
  const { top, probability, rank } = predictionOf(Float32Array.of(0, Math.log(3)), 1, 0);
  expect(top[0]?.token).toBe(1);
  expect(top[0]?.probability).toBeCloseTo(0.75, 6);
  expect(probability).toBeCloseTo(0.25, 6);
  expect(rank).toBe(1);
});

test.each([
  [[], GenerationError],
  [[40], VocabularyError],
  [Array(9).fill(1), SequenceTooLongError],
] as const)("tokens %j are refused", async (bad, error) => {
  await expect(inspect(models.Llama as Inspectable, bad)).rejects.toThrow(error);
});

test.each([{ numAlternatives: 0 }, { numNeighbors: -1 }])("%j is refused", async (options) => {
  const [name] = Object.keys(options);
  await expect(inspect(models.Llama as Inspectable, [1], options)).rejects.toThrow(`inspect: ${name} is`);
});

test("an encoder-decoder is refused by name", async () => {
  const t5 = createEncoderDecoder({ vocabSize: 40, numLayers: 1, numHeads: 2, width: 8 }, 1);
  await expect(inspect(t5 as unknown as Inspectable, [1])).rejects.toThrow(
    /the model is an EncoderDecoder; it must be a Gpt2, a Decoder or an Encoder/,
  );
  dispose(t5);
});
