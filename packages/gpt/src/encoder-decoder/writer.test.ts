import { memory, setBackend, type Tensor, type Tensor2D, type Tensor3D, tensor2d, tidy } from "@tensorflow/tfjs";
import { CacheError, dispose, KeyValueCache, type Parameter, parameters } from "@tessera-lm/layers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GenerationError } from "../errors.ts";
import { beamSearch } from "../generation/beam-search.ts";
import { generate, generateBatch } from "../generation/generate.ts";
import type { GenerateOptions } from "../generation/options.ts";
import { collect } from "../testing/collect.ts";
import { Watched } from "../testing/models.ts";
import { createEncoderDecoder, type EncoderDecoder } from "./encoder-decoder.ts";
import type { Writer } from "./writer.ts";

const config = { vocabSize: 40, numLayers: 2, numHeads: 4, width: 16, numBuckets: 8, maxDistance: 20 };
const inputs = (): Tensor => tensor2d([[7, 3, 9, 30, 2, 2]], [1, 6], "int32");
const settings: GenerateOptions[] = [
  { maxNewTokens: 20, seed: 3 },
  { maxNewTokens: 20, temperature: 0, repetitionPenalty: 2 },
  { maxNewTokens: 20, seed: 4, chunkSize: 2, repetitionPenalty: 1.5 },
];
const prompt = [0, 11, 5, 28, 17];

let model: EncoderDecoder;
beforeAll(async () => {
  await setBackend("cpu");
  model = createEncoderDecoder(config, 1);
  // Larger weights, so that a text depends on all that was read.
  tidy(() => {
    for (const [, each] of parameters(model)) if (each.rank === 2) each.assign(each.mul(12));
  });
});
afterAll(() => dispose(model));

async function withWriter<T>(mask: readonly number[] | undefined, use: (writer: Writer) => Promise<T>): Promise<T> {
  const ids = inputs();
  const keys = mask && tensor2d([[...mask]], [1, 6], "int32");
  const writer = model.reading(ids as never, { mask: keys });
  ids.dispose();
  keys?.dispose(); // a writer has one of its own
  const before = memory().numTensors;
  try {
    return await use(writer);
  } finally {
    expect(memory().numTensors).toBe(before);
    writer.dispose();
  }
}

describe.each([[undefined], [[1, 1, 1, 0, 0, 0]]])("with the mask %j a writer", (mask) => {
  test.each(settings)("has the same text with a cache and without: %j", (options) =>
    withWriter(mask, async (writer) => {
      const tokens = await collect(generate(writer, prompt, options));
      expect(new Set(tokens).size).toBeGreaterThan(2);
      expect(tokens).toEqual(await collect(generate(new Watched(writer), prompt, options)));
    }),
  );

  test("finds the same beams", () =>
    withWriter(mask, async (writer) => {
      const options = { maxNewTokens: 12, numResults: 3, stopTokens: [4] };
      const beams = await beamSearch(writer, prompt, options);
      const expected = await beamSearch(new Watched(writer), prompt, options);
      expect(beams.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
      expect(beams).toHaveLength(3);
    }));

  test("continues several beginnings together as alone", () =>
    withWriter(mask, async (writer) => {
      const beginnings = [prompt, [0], [0, 9, 9, 9, 1, 2, 3, 4, 5]];
      const texts: number[][] = beginnings.map(() => []);
      for await (const [i, event] of generateBatch(writer, beginnings, { maxNewTokens: 12, seed: 5 })) {
        if (event.type === "token") texts[i]?.push(event.token);
      }
      for (const [i, beginning] of beginnings.entries()) {
        expect(texts[i]).toEqual(await collect(generate(writer, beginning, { maxNewTokens: 12, seed: 5 + i })));
      }
    }));
});

test("a mask changes the text, and a cache reads each token once", () =>
  withWriter(undefined, async (writer) => {
    const watched = new Watched(writer, { supportsCache: true });
    const whole = await collect(generate(watched, prompt, { maxNewTokens: 8, temperature: 0 }));
    expect(watched.lengths).toEqual([5, 1, 1, 1, 1, 1, 1, 1]);
    const masked = await withWriter([1, 1, 1, 0, 0, 0], (other) =>
      collect(generate(other, prompt, { maxNewTokens: 8, temperature: 0 })),
    );
    expect(masked).not.toEqual(whole);
  }));

test("what is kept of the inputs belongs to the weights that it was computed with", () =>
  withWriter(undefined, async (writer) => {
    const weight = parameters(model).get("decoder.blocks.0.crossAttention.value.weight") as Parameter;
    const before = weight.clone();
    const options = { maxNewTokens: 8, temperature: 0 };
    const text: number[] = [];
    for await (const token of generate(writer, prompt, options)) {
      if (text.push(token) === 4) tidy(() => weight.assign(weight.mul(-2)));
    }
    const rest = generate(writer, [...prompt, ...text.slice(0, 4)], { ...options, maxNewTokens: 4 });
    expect(text.slice(4)).toEqual(await collect(rest));
    weight.assign(before);
    before.dispose();
    expect(text).not.toEqual(await collect(generate(writer, prompt, options)));
  }));

test("beams need an end, since a writer has none", () =>
  withWriter(undefined, async (writer) => {
    for (const maxNewTokens of [undefined as unknown as number, Infinity, Number.NaN]) {
      const search = beamSearch(writer, prompt, { maxNewTokens });
      await expect(search).rejects.toThrow(GenerationError);
      await expect(search).rejects.toThrow(`beamSearch: maxNewTokens is ${maxNewTokens}; it must be a whole number`);
    }
  }));

test("the cache grows with the text", () =>
  withWriter(undefined, async (writer) => {
    const long = Array.from({ length: 125 }, (_, i) => (i * i + 3) % 40); // 128 is what a cache begins with
    const tokens = await collect(generate(writer, long, { maxNewTokens: 6, seed: 1 }));
    expect(tokens).toEqual(await collect(generate(new Watched(writer), long, { maxNewTokens: 6, seed: 1 })));
  }));

test("each of several memories is read by its own sequence, also when sequences change places", () => {
  const both = tensor2d([7, 3, 9, 30, 2, 2, 5, 5, 21, 8, 14, 1], [2, 6], "int32");
  const written = tensor2d([0, 3, 1, 0, 6, 7], [2, 3], "int32");
  tidy(() => {
    const ofBoth = model.encode(both);
    const cache = new KeyValueCache(2, 8);
    const step = (tokens: number[], position: number) => {
      const positions = tensor2d([position, position], [2, 1], "int32");
      return model.decode(ofBoth, tensor2d(tokens, [2, 1], "int32"), { cache, positions, lastOnly: true });
    };
    step([0, 0], 0);
    step([3, 6], 1);
    const last = step([1, 7], 2).dataSync();
    const expected = model.decode(ofBoth, written, { lastOnly: true }).dataSync();
    last.forEach((logit, i) => void expect(logit).toBeCloseTo(expected[i] as number, 4));
    cache.rearrange([1, 0]);
    const swapped = step([7, 1], 2).dataSync();
    swapped.forEach((logit, i) => void expect(logit).toBeCloseTo(expected[(i + 40) % 80] as number, 4));
    cache.dispose();
  });
  both.dispose();
  written.dispose();
});

test("a cache that has read one memory refuses another", () => {
  tidy(() => {
    const [one, other] = [
      [7, 3, 9],
      [1, 30, 22],
    ].map((ids) => model.encode(tensor2d([ids], [1, 3], "int32"))) as [Tensor3D, Tensor3D];
    const cache = new KeyValueCache(1, 8);
    const step = (memory: Tensor3D, position: number): Tensor =>
      model.decode(memory, tensor2d([[5]], [1, 1], "int32"), {
        cache,
        positions: tensor2d([[position]], [1, 1], "int32"),
      });
    step(one, 0);
    step(one.clone(), 1);
    expect(() => step(other, 2)).toThrow(CacheError);
    expect(() => step(other, 2)).toThrow("The cache belongs to another memory");
    cache.dispose();
  });
});

describe.each([[undefined], [[1, 1, 1, 0, 0, 0]]])("of several texts at a time, with the mask %j", (mask) => {
  const texts = [
    [0, 3, 1],
    [0, 6, 7],
  ];
  const targets = [
    [3, 1, 8],
    [6, -1, 2],
  ];

  test("a writer has the logits and losses that it has of each alone", () =>
    withWriter(mask, async (writer) =>
      tidy(() => {
        const alone = texts.map((text, i) => {
          const [written, next] = [text, targets[i] as number[]].map((ids) => tensor2d([ids], [1, 3], "int32"));
          const ofOne = [
            writer.forward(written as Tensor2D),
            writer.tokenLosses(written as Tensor2D, next as Tensor2D),
          ];
          return ofOne.map((each) => [...each.dataSync()]);
        });
        const [written, next] = [texts, targets].map((ids) => tensor2d(ids, [2, 3], "int32")) as [Tensor2D, Tensor2D];
        const [logits, losses] = [writer.forward(written), writer.tokenLosses(written, next)];
        expect([logits.shape, losses.shape]).toEqual([
          [2, 3, 40],
          [2, 3],
        ]);
        [logits, losses].forEach((together, kind) => {
          const expected = alone.flatMap((ofOne) => ofOne[kind] as number[]);
          together.dataSync().forEach((each, i) => void expect(each).toBeCloseTo(expected[i] as number, 4));
        });
        const all = [...losses.dataSync()];
        expect(all[4]).toBe(0);
        expect(writer.loss(written, next).dataSync()[0]).toBeCloseTo(
          all.reduce((sum, each) => sum + each, 0),
          3,
        );
      }),
    ));

  test("a writer's losses are those of the model", () =>
    withWriter(mask, async (writer) =>
      tidy(() => {
        const ids = inputs() as Tensor2D;
        const keys = mask && tensor2d([mask], [1, 6], "int32");
        const next = tensor2d([[3, 1, 8]], [1, 3], "int32");
        const losses = writer.tokenLosses(tensor2d([[0, 3, 1]], [1, 3], "int32"), next).dataSync();
        const expected = model.tokenLosses(ids, next, { mask: keys }).dataSync();
        losses.forEach((loss, i) => void expect(loss).toBeCloseTo(expected[i] as number, 4));
        expect(Math.min(...losses)).toBeGreaterThan(0.01);
      }),
    ));
});
