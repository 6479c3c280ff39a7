import { log, softmax, tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { createGpt2 } from "../decoder/gpt2.ts";
import { collect } from "../testing/collect.ts";
import { Table } from "../testing/models.ts";
import type { EndReason, TokenEvent } from "./events.ts";
import { generateEvents } from "./generate.ts";
import type { GenerateOptions } from "./options.ts";

const counting = new Table([0, 1, 2, 3].map((token) => [0, 1, 2, 3].map((next) => (next === (token + 1) % 4 ? 5 : 0))));

test.each<[EndReason, Partial<GenerateOptions>, number]>([
  ["length", { maxNewTokens: 3 }, 3],
  ["length", { maxNewTokens: 0 }, 0],
  ["stop-token", { maxNewTokens: 5, stopTokens: [3] }, 2],
  ["aborted", { maxNewTokens: 5, signal: AbortSignal.abort() }, 0],
])("the last event says that the end was %s: %j", async (reason, options, count) => {
  const events = await collect(generateEvents(counting, [0], { maxNewTokens: 1, temperature: 0, ...options }));
  expect(events).toHaveLength(count + 1);
  expect(events.at(-1)).toEqual({ type: "end", reason, text: "" });
});

test("log-probabilities are the model's own, whatever the sampling", async () => {
  const model = createGpt2({ vocabSize: 13, contextLength: 12, numLayers: 1, numHeads: 2, width: 8 }, 5);
  const options = { maxNewTokens: 6, temperature: 2, topK: 3, repetitionPenalty: 2, seed: 1, logProbabilities: 4 };
  const events = (await collect(generateEvents(model, [1, 2], options))).filter(({ type }) => type === "token");
  const tokens = [1, 2, ...(events as TokenEvent[]).map(({ token }) => token)];
  const all = tidy(() =>
    log(softmax(model.forward(tensor2d([tokens], [1, 8], "int32"))))
      .squeeze([0])
      .arraySync(),
  );
  for (const [i, { token, logProbability, likeliest = [] }] of (events as TokenEvent[]).entries()) {
    const expected = (all as number[][])[i + 1];
    expect(logProbability).toBeCloseTo(expected[token], 5);
    const best = expected.map((_, each) => each).sort((a, b) => expected[b] - expected[a]);
    expect(likeliest.map(({ token }) => token)).toEqual(best.slice(0, 4));
    for (const each of likeliest) expect(each.logProbability).toBeCloseTo(expected[each.token], 5);
  }
  dispose(model);
});

test("no log-probabilities are given unless asked for, and with 0 only the token's", async () => {
  const first = async (logProbabilities?: number): Promise<unknown> =>
    (await collect(generateEvents(counting, [0], { maxNewTokens: 1, temperature: 0, logProbabilities })))[0];
  expect(await first()).toEqual({ type: "token", token: 1, text: "" });
  const logProbability = 5 - Math.log(Math.exp(5) + 3);
  expect(await first(0)).toEqual({ type: "token", token: 1, text: "", logProbability, likeliest: [] });
});
