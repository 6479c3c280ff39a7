import { memory } from "@tensorflow/tfjs";
import { loadModel } from "@tessera-lm/gpt/node";
import { VocabularyError } from "@tessera-lm/layers";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import { describe, expect, it } from "vitest";
import { EvaluationOptionError, NotANumberError, UnscorablePairError } from "./errors.ts";
import harness from "./fixtures/harness.json" with { type: "json" };
import { logLikelihoods } from "./log-likelihoods.ts";
import { byteTokenizer } from "./testing/byte-tokenizer.ts";
import { FakeModel, nextUpward } from "./testing/fake-model.ts";

const model = (contextLength = 16) => new FakeModel(256, contextLength, nextUpward(256, 0.9));
const wrong = Math.log(0.1 / 255);
const right = Math.log(0.9);

describe("logLikelihoods", () => {
  it("equals lm-evaluation-harness on a random GPT-2: spaces, empty and long contexts, half characters", async () => {
    const folder = new URL("./fixtures/tiny-gpt2", import.meta.url).pathname;
    const [gpt2, tokenizer] = await Promise.all([loadModel(folder), loadTokenizer(folder)]);
    const before = memory().numTensors;
    for (const batchSize of [1, 5]) {
      const scores = await logLikelihoods(gpt2, tokenizer, harness.logLikelihoods, { prefixToken: 0, batchSize });
      for (const [i, { logLikelihood, isGreedy }] of harness.logLikelihoods.entries()) {
        expect((scores[i]?.logLikelihood ?? 0) / logLikelihood).toBeCloseTo(1, 5);
        expect(scores[i]?.isGreedy).toBe(isGreedy);
      }
      expect(scores.some((score) => score.truncated > 0)).toBe(true);
    }
    expect(memory().numTensors).toBe(before);
  });

  it("sums over the continuation and keeps the order of the pairs", async () => {
    const pairs = [
      { context: "a", continuation: "bcd" },
      { context: "xyz", continuation: "b" },
      { context: "a", continuation: "bx" },
    ];
    const scores = await logLikelihoods(model(), byteTokenizer, pairs, { batchSize: 2 });
    const expected = [3 * right, wrong, right + wrong];
    for (const [i, score] of scores.entries()) expect(score.logLikelihood).toBeCloseTo(expected[i] as number, 4);
    expect(scores.map((score) => score.isGreedy)).toEqual([true, false, false]);
    expect(scores.map((score) => score.tokens)).toEqual([3, 1, 2]);
  });

  it("runs a context once for all continuations of one token", async () => {
    const fake = model();
    const pairs = ["b", "c", "d", "e"].map((continuation) => ({ context: "a", continuation }));
    const scores = await logLikelihoods(fake, byteTokenizer, pairs);
    expect(fake.batches).toEqual([[1, 1]]);
    expect(scores.map((score) => score.isGreedy)).toEqual([true, false, false, false]);
  });

  it("asks for logits at last positions only where that is enough, in rows of the same length", async () => {
    const fake = model();
    const pairs = ["a b", "c d", "ef", "a bc", "x yz"].map((text) => {
      const [context = "", continuation = ""] = text.includes(" ") ? text.split(" ") : [text, "g"];
      return { context, continuation };
    });
    const scores = await logLikelihoods(fake, byteTokenizer, pairs);
    expect(fake.batches).toEqual([
      [1, 2],
      [2, 1],
      [2, 2],
    ]);
    expect(scores.map((score) => score.isGreedy)).toEqual([true, true, true, true, true]);
  });

  it("keeps the end of a context that does not fit", async () => {
    const seen: (readonly number[])[] = [];
    const spy = new FakeModel(256, 4, (tokens) => {
      seen.push(tokens);
      return nextUpward(256, 0.9)(tokens);
    });
    const [score] = await logLikelihoods(spy, byteTokenizer, [{ context: "0123456", continuation: "78" }]);
    expect(score).toMatchObject({ truncated: 4, isGreedy: true, tokens: 2 });
    expect(seen.at(-1)).toEqual([..."4567"].map((c) => c.charCodeAt(0)));
  });

  it("reports progress, yields, and stops when told to", async () => {
    const pairs = ["b", "cd", "def"].map((continuation) => ({ context: "a", continuation }));
    const progress: number[][] = [];
    const controller = new AbortController();
    const onProgress = (done: number, total: number) => {
      progress.push([done, total]);
      setImmediate(() => controller.abort());
    };
    const run = logLikelihoods(model(), byteTokenizer, pairs, { batchSize: 1, onProgress, signal: controller.signal });
    await expect(run).rejects.toThrow(/abort/i);
    expect(progress.at(0)).toEqual([1, 3]);
    expect(progress.length).toBeLessThan(3);
  });

  it("hears an abort while it encodes, before the model has run", async () => {
    const fake = model();
    const pairs = ["b", "cd", "def"].map((continuation) => ({ context: "a", continuation }));
    const controller = new AbortController();
    setImmediate(() => controller.abort(new RangeError("enough")));
    const run = logLikelihoods(fake, byteTokenizer, pairs, { signal: controller.signal });
    await expect(run).rejects.toThrow("enough");
    expect(fake.batches).toEqual([]);
  });

  it("refuses tokens that the model does not have, wherever they stand", async () => {
    const small = new FakeModel(100, 4, nextUpward(100, 0.9));
    const score = (context: string, continuation: string, prefixToken?: number) =>
      logLikelihoods(small, byteTokenizer, [{ context, continuation }], { prefixToken });
    await expect(score("a", "x")).rejects.toThrow(
      "Token 120 is not in the model's vocabulary of 100 tokens (0 to 99).",
    );
    for (const [context, continuation] of [
      ["x", "a"],
      ["a", "ax"],
      ["d", "a"],
      ["xaaaaaaaa", "a"],
    ] as const) {
      await expect(score(context, continuation)).rejects.toThrow(VocabularyError);
    }
    for (const prefixToken of [100, -1, 0.5]) {
      await expect(score("", "a", prefixToken)).rejects.toThrow(`Token ${prefixToken} is not in`);
    }
    expect(small.batches).toEqual([]);
    expect(await score("c", "c")).toHaveLength(1); // 99, the last one that it has
  });

  it("names the pair that cannot be scored, and why", async () => {
    const good = { context: "a", continuation: "b" };
    const score = (context: string, continuation: string) =>
      logLikelihoods(model(4), byteTokenizer, [good, { context, continuation }]);
    await expect(score("a", "")).rejects.toThrow('Pair 1 (continuation "") cannot be scored: it adds no token');
    await expect(score("", "b")).rejects.toThrow("give the option prefixToken");
    await expect(score(" \n", "b")).rejects.toThrow("give the option prefixToken");
    await expect(score("a", "bcdef")).rejects.toThrow("its 5 tokens do not fit the context length of 4");
    await expect(score("a", "")).rejects.toBeInstanceOf(UnscorablePairError);
    for (const batchSize of [0, 1.5]) {
      await expect(logLikelihoods(model(), byteTokenizer, [good], { batchSize })).rejects.toThrow(
        EvaluationOptionError,
      );
    }
    const broken = new FakeModel(256, 4, () => Array.from({ length: 256 }, () => Number.NaN));
    await expect(logLikelihoods(broken, byteTokenizer, [good])).rejects.toThrow(NotANumberError);
  });
});
