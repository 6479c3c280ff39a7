import { memory } from "@tensorflow/tfjs";
import { loadModel } from "@tessera-lm/gpt/node";
import { describe, expect, it } from "vitest";
import { EvaluationOptionError, NothingToScoreError } from "./errors.ts";
import strides from "./fixtures/strides.json" with { type: "json" };
import { perplexity } from "./perplexity.ts";
import { FakeModel } from "./testing/fake-model.ts";

const source = (ids: readonly number[]) => ({
  length: ids.length,
  read: (start: number, end: number) => Int32Array.from(ids.slice(start, end)),
});

/** p(any token) = 1/2 after one visible token, 1/4 after more: what a window shows decides the price of its tokens. */
const byContext = (contextLength: number) =>
  new FakeModel(4, contextLength, (seen) =>
    seen.length === 1 ? [0.5, 1 / 6, 1 / 6, 1 / 6] : [0.25, 0.25, 0.25, 0.25],
  );

const zeros = source(Array.from({ length: 9 }, () => 0));

describe("perplexity", () => {
  it("scores rolling windows: the first token of each has one token of context, except where the last reaches back", async () => {
    // Prefix + 9 tokens, context 4: windows predict 4, 4 and 1; the last sees 4 tokens.
    const report = await perplexity(byContext(4), zeros, { prefixToken: 0 });
    expect(report.tokens).toBe(9);
    expect(report.nats).toBeCloseTo(2 * Math.log(2) + 7 * Math.log(4), 5);
  });

  it("does not score the first token without a prefix", async () => {
    // 8 predictions in two full windows.
    const report = await perplexity(byContext(4), zeros);
    expect(report.tokens).toBe(8);
    expect(report.nats).toBeCloseTo(2 * Math.log(2) + 6 * Math.log(4), 5);
  });

  it("scores strided windows with the context that the stride leaves", async () => {
    // Only the very first prediction has a context of one token.
    const report = await perplexity(byContext(4), zeros, { stride: 2 });
    expect(report.nats).toBeCloseTo(Math.log(2) + 7 * Math.log(4), 5);
  });

  it("takes a shorter context than the model's, a limit of windows, and any batch size", async () => {
    const model = byContext(8);
    const report = await perplexity(model, zeros, { contextLength: 2, maxWindows: 3, batchSize: 2 });
    expect(report.tokens).toBe(6);
    expect(model.batches).toEqual([
      [2, 2],
      [1, 2],
    ]);
  });

  it("equals transformers' strided perplexity of a random GPT-2", async () => {
    const model = await loadModel(new URL("./fixtures/tiny-gpt2", import.meta.url).pathname);
    const before = memory().numTensors;
    for (const { contextLength, stride, nats, tokens } of strides.cases) {
      const report = await perplexity(model, source(strides.ids), { contextLength, stride });
      expect(report.tokens).toBe(tokens);
      expect(report.nats / nats).toBeCloseTo(1, 5);
      expect(report.perplexity / Math.exp(nats / tokens)).toBeCloseTo(1, 4);
    }
    expect(memory().numTensors).toBe(before);
  });

  it("stops when told to", async () => {
    const endless = {
      length: Number.POSITIVE_INFINITY,
      read: (start: number, end: number) => new Int32Array(end - start),
    };
    const controller = new AbortController();
    const reason = new RangeError("enough");
    setImmediate(() => controller.abort(reason));
    await expect(perplexity(byContext(4), endless, { signal: controller.signal })).rejects.toBe(reason);
  });

  it("refuses tokens that the model does not have", async () => {
    const model = byContext(4);
    await expect(perplexity(model, source([0, 1, 4]))).rejects.toThrow("Token 4 is not in");
    for (const prefixToken of [4, -1, 0.5]) {
      await expect(perplexity(model, zeros, { prefixToken })).rejects.toThrow(`Token ${prefixToken} is not in`);
    }
    expect(model.batches).toEqual([]);
  });

  it("says what is wrong", async () => {
    const model = byContext(4);
    await expect(perplexity(model, source([1]))).rejects.toThrow(NothingToScoreError);
    await expect(perplexity(model, source([]), { prefixToken: 0 })).rejects.toThrow(NothingToScoreError);
    await expect(perplexity(model, zeros, { contextLength: 5 })).rejects.toThrow(
      "contextLength is 5; expected a whole number between 1 and 4",
    );
    for (const option of [{ stride: 0 }, { stride: 5 }, { stride: 1.5 }, { batchSize: 0 }, { maxWindows: 0 }]) {
      await expect(perplexity(model, zeros, option)).rejects.toThrow(EvaluationOptionError);
    }
  });
});
