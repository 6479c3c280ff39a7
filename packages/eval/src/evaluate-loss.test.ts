import { memory } from "@tensorflow/tfjs";
import type { Batch } from "@tessera-lm/data";
import { describe, expect, it } from "vitest";
import { EvaluationOptionError, NotANumberError, NothingToScoreError, TokenOutsideVocabularyError } from "./errors.ts";
import { evaluateLoss } from "./evaluate-loss.ts";
import { FakeModel, nextUpward } from "./testing/fake-model.ts";

const model = () => new FakeModel(5, 8, nextUpward(5, 0.6));

const batch = (inputs: number[], targets: number[], shape: [number, number]): Batch => ({
  inputs: Int32Array.from(inputs),
  targets: Int32Array.from(targets),
  shape,
});

/** Two targets at 0.6 and one at 0.1; then one target at 0.1 in a batch of its own. */
const BATCHES = [batch([0, 1, 2, 3], [1, 2, 0, -1], [2, 2]), batch([4], [2], [1, 1])];

describe("evaluateLoss", () => {
  it("weighs every token the same, whatever its batch, and skips targets of -1", async () => {
    const report = await evaluateLoss(model(), BATCHES);
    const nats = -(2 * Math.log(0.6) + 2 * Math.log(0.1));
    expect(report.tokens).toBe(4);
    expect(report.nats).toBeCloseTo(nats, 5);
    expect(report.loss).toBeCloseTo(nats / 4, 6);
    expect(report.perplexity).toBeCloseTo(Math.exp(nats / 4), 5);
  });

  it("takes no more batches than it may from an endless source", async () => {
    let made = 0;
    function* endless(): Generator<Batch> {
      for (;;) {
        made++;
        yield BATCHES[1] as Batch;
      }
    }
    const report = await evaluateLoss(model(), endless(), { maxBatches: 3 });
    expect(report.tokens).toBe(3);
    expect(made).toBe(3);
  });

  it("leaves no tensor behind, also when the model fails", async () => {
    const before = memory().numTensors;
    await evaluateLoss(model(), BATCHES);
    const failing = new FakeModel(5, 8, () => {
      throw new RangeError("no");
    });
    await expect(evaluateLoss(failing, BATCHES)).rejects.toThrow(RangeError);
    expect(memory().numTensors).toBe(before);
  });

  it("lets timers run between batches", async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 0);
    await evaluateLoss(
      model(),
      Array.from({ length: 20 }, () => BATCHES[1] as Batch),
    );
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(3);
  });

  it("refuses inputs and targets that the model does not have", async () => {
    const fake = model();
    const evaluate = (input: number, target: number) => evaluateLoss(fake, [batch([0, input], [1, target], [1, 2])]);
    await expect(evaluate(5, 1)).rejects.toThrow("The model has no token 5: its vocabulary has 5 tokens (0 to 4).");
    for (const [input, target] of [
      [-1, 1],
      [1, 5],
      [1, -2],
    ] as const) {
      await expect(evaluate(input, target)).rejects.toThrow(TokenOutsideVocabularyError);
    }
    expect(fake.batches).toEqual([]);
    expect((await evaluate(4, 4)).tokens).toBe(2);
  });

  it("says what is wrong", async () => {
    await expect(evaluateLoss(model(), [])).rejects.toThrow(NothingToScoreError);
    await expect(evaluateLoss(model(), [batch([1], [-1], [1, 1])])).rejects.toThrow(NothingToScoreError);
    await expect(evaluateLoss(model(), BATCHES, { maxBatches: 0 })).rejects.toThrow(EvaluationOptionError);
    const broken = new FakeModel(5, 8, () => [Number.NaN, 1, 1, 1, 1]);
    await expect(evaluateLoss(broken, BATCHES)).rejects.toThrow(NotANumberError);
  });
});
