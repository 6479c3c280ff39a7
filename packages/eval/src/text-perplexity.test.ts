import { loadModel } from "@tessera-lm/gpt/node";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import { describe, expect, it } from "vitest";
import { NothingToScoreError } from "./errors.ts";
import harness from "./fixtures/harness.json" with { type: "json" };
import { byteTokenizer } from "./testing/byte-tokenizer.ts";
import { FakeModel } from "./testing/fake-model.ts";
import { bitsPerByte, textPerplexity } from "./text-perplexity.ts";

describe("bitsPerByte", () => {
  it("is Σ nats / (ln 2 · Σ bytes)", () => {
    expect(bitsPerByte({ nats: 12 * Math.LN2, bytes: 4 })).toBeCloseTo(3, 14);
    expect(() => bitsPerByte({ nats: 0, bytes: 0 })).toThrow(NothingToScoreError);
  });
});

describe("textPerplexity", () => {
  it("is 8 bits per byte for a uniform model of bytes, and counts the prefix nowhere", async () => {
    const uniform = new FakeModel(256, 5, () => Array.from({ length: 256 }, () => 1 / 256));
    const report = await textPerplexity(uniform, byteTokenizer, ["naïve text", "🚢 x"], { prefixToken: 0 });
    expect(report.bytes).toBe(11 + 6);
    expect(report.tokens).toBe(17);
    expect(report.bitsPerByte).toBeCloseTo(8, 5);
    expect(report.words).toBe(4);
    expect(report.wordPerplexity / 256 ** (17 / 4)).toBeCloseTo(1, 4);
  });

  it("equals lm-evaluation-harness's rolling log-likelihood of a random GPT-2", async () => {
    const folder = new URL("./fixtures/tiny-gpt2", import.meta.url).pathname;
    const [model, tokenizer] = await Promise.all([loadModel(folder), loadTokenizer(folder)]);
    for (const { text, logLikelihood, words, bytes } of harness.rolling) {
      const report = await textPerplexity(model, tokenizer, [text], { prefixToken: 0 });
      expect(report.nats / -logLikelihood).toBeCloseTo(1, 5);
      expect([report.words, report.bytes]).toEqual([words, bytes]);
    }
    const together = await textPerplexity(
      model,
      tokenizer,
      harness.rolling.map(({ text }) => text),
      { prefixToken: 0 },
    );
    expect(together.nats / -harness.rolling.reduce((sum, { logLikelihood }) => sum + logLikelihood, 0)).toBeCloseTo(
      1,
      5,
    );
  });

  it("stops when told to", async () => {
    const uniform = new FakeModel(256, 5, () => Array.from({ length: 256 }, () => 1 / 256));
    function* endless(): Generator<string> {
      while (true) yield "text";
    }
    const controller = new AbortController();
    const reason = new RangeError("enough");
    setImmediate(() => controller.abort(reason));
    const options = { prefixToken: 0, signal: controller.signal };
    await expect(textPerplexity(uniform, byteTokenizer, endless(), options)).rejects.toBe(reason);
  });

  it("refuses tokens that the model does not have", async () => {
    const small = new FakeModel(100, 5, () => Array.from({ length: 100 }, () => 1 / 100));
    const measure = (text: string, prefixToken: number) =>
      textPerplexity(small, byteTokenizer, [text], { prefixToken });
    await expect(measure("abcxyz", 0)).rejects.toThrow("vocabulary of 100 tokens (0 to 99)");
    await expect(measure("abc", 100)).rejects.toThrow("Token 100 is not in");
    expect(small.batches).toEqual([]);
  });

  it("refuses documents without text", async () => {
    const uniform = new FakeModel(256, 5, () => Array.from({ length: 256 }, () => 1 / 256));
    await expect(textPerplexity(uniform, byteTokenizer, ["", ""], { prefixToken: 0 })).rejects.toThrow(
      NothingToScoreError,
    );
  });
});
