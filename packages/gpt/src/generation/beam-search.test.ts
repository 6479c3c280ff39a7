import { memory } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { GenerationError } from "../errors.ts";
import { collect } from "../testing/collect.ts";
import { decoders, Table, Watched } from "../testing/models.ts";
import { type BeamSearchOptions, beamSearch } from "./beam-search.ts";
import { generate } from "./generate.ts";

test("enough beams find the likeliest of all texts", async () => {
  const table = [
    [0.5, 1, 0.2],
    [0.3, 0.1, 0.4],
    [2, 0, 2.5],
  ];
  const p = (from: number, to: number): number =>
    table[from][to] - Math.log(table[from].reduce((sum, logit) => sum + Math.exp(logit), 0));
  const texts = [0, 1, 2].flatMap((a) => [0, 1, 2].flatMap((b) => [0, 1, 2].map((c) => [a, b, c])));
  const scored = texts.map((tokens) => {
    const sum = tokens.reduce((total, token, i) => total + p(i === 0 ? 0 : tokens[i - 1], token), 0);
    return { tokens, score: sum / 3 };
  });
  const [best, second] = scored.sort((a, b) => b.score - a.score);
  const found = await beamSearch(new Table(table), [0], { maxNewTokens: 3, numBeams: 9, numResults: 2 });
  expect(found.map(({ tokens }) => tokens)).toEqual([best.tokens, second.tokens]);
  expect(found[0].score).toBeCloseTo(best.score, 5);
});

test("one beam is greedy", async () => {
  const model = decoders.ALiBi();
  const options = { maxNewTokens: 12 };
  const [{ tokens }] = await beamSearch(model, [5, 6], { ...options, numBeams: 1 });
  expect(tokens).toEqual(await collect(generate(model, [5, 6], { ...options, temperature: 0 })));
  dispose(model);
});

test("finds the same without a cache, and leaves nothing behind", async () => {
  const model = decoders["a sliding window"]();
  const options = { maxNewTokens: 24, numResults: 4 };
  const before = memory().numTensors;
  const found = await beamSearch(model, [5, 6, 7], options);
  expect(memory().numTensors).toBe(before);
  const without = await beamSearch(new Watched(model), [5, 6, 7], options);
  expect(found.map(({ tokens }) => tokens)).toEqual(without.map(({ tokens }) => tokens));
  dispose(model);
});

test("an abort ends it with the best as far as it had come", async () => {
  const table = new Table([
    [1, 2],
    [2, 1],
  ]);
  expect(await beamSearch(table, [0], { maxNewTokens: 9, signal: AbortSignal.abort() })).toEqual([
    { tokens: [], score: 0 },
  ]);
  const controller = new AbortController();
  const forward = table.forward.bind(table);
  let calls = 0;
  table.forward = (...args) => {
    if (++calls > 1 + 2) controller.abort(); // one beginning, then two: at the third token
    return forward(...args);
  };
  const found = await beamSearch(table, [0], { maxNewTokens: 9, numResults: 2, signal: controller.signal });
  const whole = await beamSearch(
    new Table([
      [1, 2],
      [2, 1],
    ]),
    [0],
    { maxNewTokens: 2, numResults: 2 },
  );
  expect(found).toEqual(whole);
  expect(found[0].tokens).toHaveLength(2);
});

test.each<[Partial<BeamSearchOptions>, RegExp]>([
  [{ numBeams: 0 }, /numBeams is 0/],
  [{ numResults: 5 }, /numResults is 5; it must be at most numBeams, which is 4/],
  [{ lengthPenalty: Number.NaN }, /lengthPenalty is NaN/],
  [{ maxNewTokens: -1 }, /maxNewTokens is -1/],
  [{ signal: "x" as never }, /^beamSearch: signal is "x"; it must be the signal of an AbortController/],
  [{ signal: {} as never }, /^beamSearch: signal is {}/],
  [{ earlyStopping: "Never" as never }, /^beamSearch: earlyStopping is "Never"; it must be true, false or "never"/],
  [{ stopTokens: "ab" as never }, /^beamSearch: stopTokens is "ab"/],
])("%j is refused", async (options, message) => {
  const search = beamSearch(new Table([[0]]), [0], { maxNewTokens: 1, ...options });
  await expect(search).rejects.toThrow(GenerationError);
  await expect(search).rejects.toThrow(message);
});

test("what is no model or no prompt is refused in its own name", async () => {
  const options = { maxNewTokens: 1 };
  for (const wrong of [undefined, null, {}] as never[]) {
    const search = beamSearch(wrong, [0], options);
    await expect(search).rejects.toThrow(GenerationError);
    await expect(search).rejects.toThrow("beamSearch: the model is");
  }
  await expect(beamSearch(new Table([[0]]), [], options)).rejects.toThrow("beamSearch: the prompt is empty");
  await expect(beamSearch(new Table([[0]]), 5 as never, options)).rejects.toThrow("beamSearch: the prompt is 5");
});
