import { dispose } from "@tessera-lm/layers";
import { describe, expect, test } from "vitest";
import { collect } from "../testing/collect.ts";
import { decoders, Table, Watched } from "../testing/models.ts";
import { generate } from "./generate.ts";
import { tokenProbabilities } from "./sampling.ts";

describe.each(Object.entries(decoders))("with a draft, %s", (name, make) => {
  test("takes the same greedy tokens", async () => {
    const model = make();
    const prompt = [3, 1, 4, 1, 5];
    const options = { maxNewTokens: 24, temperature: 0, repetitionPenalty: 1.1 };
    const expected = await collect(generate(model, prompt, options));
    for (const draft of [model, make(), decoders[name === "ALiBi" ? "GPT-2" : "ALiBi"]()]) {
      expect(await collect(generate(model, prompt, { ...options, draft: { model: draft, count: 3 } }))).toEqual(
        expected,
      );
      if (draft !== model) dispose(draft);
    }
    dispose(model);
  });
});

test("the model reads several tokens at once, if the guesses are right", async () => {
  const model = new Watched(decoders["GPT-2"](), { supportsCache: true });
  const options = { maxNewTokens: 12, temperature: 0, draft: { model: decoders["GPT-2"](), count: 5 } };
  await collect(generate(model, [3, 1, 4], options));
  expect(model.lengths).toEqual([2, 6, 6]); // the prompt but its last token; then that and five guesses
});

test("sampled tokens have the model's distribution, whatever the draft guesses (chi-square)", async () => {
  const table = [
    [1, 0, 2, -1],
    [0, 1, 0.5, 3],
    [-2, 1, 1, 0],
    [0.3, 0.2, 0.1, 0],
  ];
  const model = new Table(table);
  const draft = new Table([
    [0, 2, 0, 1],
    [1, 1, -3, 0],
    [3, 0, 0, 0],
    [0, 0, 0, 0.5],
  ]);
  const settings = { temperature: 1.3, topK: 3 };
  const options = { ...settings, maxNewTokens: 6000, seed: 2, draft: { model: draft, count: 3 } };
  const counts = [0, 1, 2, 3].map(() => [0, 0, 0, 0]);
  let last = 0;
  for await (const token of generate(model, [0], options)) {
    counts[last][token]++;
    last = token;
  }
  let chiSquare = 0;
  for (const [token, row] of counts.entries()) {
    const logits = table[token];
    const total = row.reduce((sum, count) => sum + count, 0);
    tokenProbabilities(logits, settings).forEach((p, next) => {
      if (p === 0) expect(row[next]).toBe(0);
      else chiSquare += (row[next] - total * p) ** 2 / (total * p);
    });
  }
  expect(chiSquare).toBeLessThan(26.1); // 0.999 quantile with 8 degrees of freedom
});
