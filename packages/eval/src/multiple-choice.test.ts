import { loadModel } from "@tessera-lm/gpt/node";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import { describe, expect, it } from "vitest";
import { MalformedItemError, NothingToScoreError } from "./errors.ts";
import harness from "./fixtures/harness.json" with { type: "json" };
import { multipleChoice } from "./multiple-choice.ts";
import { byteTokenizer } from "./testing/byte-tokenizer.ts";
import { FakeModel, nextUpward } from "./testing/fake-model.ts";

const model = new FakeModel(256, 32, nextUpward(256, 0.9));

describe("multipleChoice", () => {
  it("equals lm-evaluation-harness in acc, acc_norm, acc_bytes and their standard errors", async () => {
    const folder = new URL("./fixtures/tiny-gpt2", import.meta.url).pathname;
    const [gpt2, tokenizer] = await Promise.all([loadModel(folder), loadTokenizer(folder)]);
    const { items, scores } = harness.cloze;
    const report = await multipleChoice(gpt2, tokenizer, items);
    expect(new Set([scores.acc, scores.acc_norm, scores.acc_bytes]).size).toBe(3);
    expect(report.accuracy.value).toBeCloseTo(scores.acc, 12);
    expect(report.accuracy.standardError).toBeCloseTo(scores.acc_stderr, 12);
    expect(report.accuracyPerCharacter.value).toBeCloseTo(scores.acc_norm, 12);
    expect(report.accuracyPerCharacter.standardError).toBeCloseTo(scores.acc_norm_stderr, 12);
    expect(report.accuracyPerByte.value).toBeCloseTo(scores.acc_bytes, 12);
    expect(report.accuracyPerByte.standardError).toBeCloseTo(scores.acc_bytes_stderr, 12);
  });

  it("asks for a space and the choice, and records what each was worth", async () => {
    // After "\x1f" the model expects " ", then "!".
    const items = [{ context: "\x1f", choices: ["x", "!"], answer: 1 }];
    const { records, accuracy } = await multipleChoice(model, byteTokenizer, items);
    expect(accuracy.value).toBe(1);
    expect(records[0]).toMatchObject({ answer: 1, choice: 1, truncated: 0 });
    expect(records[0]?.logLikelihoods[1]).toBeCloseTo(2 * Math.log(0.9), 5);
  });

  it("prefers the first of equal choices", async () => {
    const { records } = await multipleChoice(model, byteTokenizer, [
      { context: "q", choices: ["x", "y", "z"], answer: 2 },
    ]);
    expect(records[0]).toMatchObject({ choice: 0, choicePerCharacter: 0, choicePerByte: 0 });
  });

  it("names the item that is wrong", async () => {
    const good = { context: "a", choices: ["b", "c"], answer: 0 };
    const score = (change: Partial<typeof good>) =>
      multipleChoice(model, byteTokenizer, [good, { ...good, ...change }]);
    await expect(score({ answer: 2 })).rejects.toThrow("Item 1: the answer is 2, but choices are numbered 0 to 1");
    await expect(score({ choices: [] })).rejects.toThrow("Item 1: it has no choices");
    await expect(score({ choices: ["b", ""] })).rejects.toThrow(MalformedItemError);
    await expect(multipleChoice(model, byteTokenizer, [])).rejects.toThrow(NothingToScoreError);
  });
});
