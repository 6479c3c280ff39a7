import { memory } from "@tensorflow/tfjs";
import { type Batch, inMemoryTokens, randomWindows, slidingWindows } from "@tessera-lm/data";
import { VocabularyError } from "@tessera-lm/layers";
import { describe, expect, it } from "vitest";
import { EvaluationOptionError, NotANumberError, NothingToScoreError } from "./errors.ts";
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

  it("sees the same batches each time, and leaves a source where it stood", async () => {
    const tokens = inMemoryTokens(Array.from({ length: 200 }, (_, i) => (i * i) % 5));
    const size = { batchSize: 2, contextLength: 4 };
    const options = { maxBatches: 2 };
    for (const source of [
      slidingWindows(tokens, size),
      slidingWindows(tokens, { ...size, shuffleSeed: 1 }),
      randomWindows(tokens, { ...size, seed: 1 }),
    ]) {
      source[Symbol.iterator]().next(); // wherever it stands
      const state = source.state();
      const first = await evaluateLoss(model(), source, options);
      expect(await evaluateLoss(model(), source, options)).toEqual(first);
      expect(source.state()).toEqual(state);
      const failing = new FakeModel(5, 8, () => [Number.NaN, 1, 1, 1, 1]);
      await expect(evaluateLoss(failing, source, options)).rejects.toThrow(NotANumberError);
      expect(source.state()).toEqual(state);
    }
  });

  it("sees a whole epoch each time", async () => {
    const tokens = inMemoryTokens(Array.from({ length: 41 }, (_, i) => (i * i) % 5));
    const source = slidingWindows(tokens, { batchSize: 3, contextLength: 4, shuffleSeed: 1 });
    const first = await evaluateLoss(model(), source);
    expect(first.tokens).toBe(40);
    expect(await evaluateLoss(model(), source)).toEqual(first);
    expect(source.state()).toMatchObject({ epoch: 0, batch: 0 });
  });

  it("stops when told to, and then too leaves a source where it stood", async () => {
    const source = randomWindows(inMemoryTokens([0, 1, 2, 3, 4, 0]), { batchSize: 1, contextLength: 2, seed: 1 });
    const state = source.state();
    const controller = new AbortController();
    const reason = new RangeError("enough");
    setImmediate(() => controller.abort(reason));
    await expect(evaluateLoss(model(), source, { signal: controller.signal })).rejects.toBe(reason);
    expect(source.state()).toEqual(state);
    const fake = model();
    await expect(evaluateLoss(fake, source, { signal: controller.signal })).rejects.toBe(reason);
    expect(fake.batches).toEqual([]);
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
    let told = false;
    setTimeout(() => {
      told = true;
    }, 1);
    function* untilTold(): Generator<Batch> {
      while (!told) yield BATCHES[1] as Batch;
    }
    expect((await evaluateLoss(model(), untilTold())).tokens).toBeGreaterThan(0);
  });

  it("refuses inputs and targets that the model does not have", async () => {
    const fake = model();
    const evaluate = (input: number, target: number) => evaluateLoss(fake, [batch([0, input], [1, target], [1, 2])]);
    await expect(evaluate(5, 1)).rejects.toThrow("Token 5 is not in the model's vocabulary of 5 tokens (0 to 4).");
    for (const [input, target] of [
      [-1, 1],
      [1, 5],
      [1, -2],
    ] as const) {
      await expect(evaluate(input, target)).rejects.toThrow(VocabularyError);
    }
    expect(fake.batches).toEqual([]);
    expect((await evaluate(4, 4)).tokens).toBe(2);
  });

  it("says what is wrong", async () => {
    await expect(evaluateLoss(model(), [])).rejects.toThrow(NothingToScoreError);
    await expect(evaluateLoss(model(), [batch([1], [-1], [1, 1])])).rejects.toThrow(NothingToScoreError);
    for (const maxBatches of [0, -1, 1.5, Number.NaN]) {
      await expect(evaluateLoss(model(), BATCHES, { maxBatches })).rejects.toThrow(EvaluationOptionError);
    }
    const broken = new FakeModel(5, 8, () => [Number.NaN, 1, 1, 1, 1]);
    await expect(evaluateLoss(broken, BATCHES)).rejects.toThrow(NotANumberError);
  });
});
