import { memory, mul, type Scalar, scalar, setBackend, type Tensor } from "@tensorflow/tfjs";
import { dispose, parameters } from "@tessera-lm/layers";
import { beforeAll, describe, expect, it } from "vitest";
import { type Action, evaluate, saveCheckpoint } from "./actions.ts";
import { EmptyBatchesError, InvalidOptionError, NonFiniteLossError } from "./errors.ts";
import type { StepEnd, TrainEvent } from "./events.ts";
import type { Run } from "./run.ts";
import { collect, lossesOf, tinyModel, tinyRun } from "./testing/tiny-run.ts";
import { train } from "./train.ts";

beforeAll(() => setBackend("cpu"));

const short = (event: TrainEvent): string => `${event.type} ${event.step}`;
const note =
  (log: string[], name: string): Action =>
  (run) => {
    log.push(`${name} ${run.step}`);
  };
const values = (tensors: Iterable<Tensor>): number[][] => [...tensors].map((tensor) => [...tensor.dataSync()]);

describe("train", () => {
  it("yields one event per step, numbered from 1, then says why it stopped", async () => {
    const events = await collect(train({ ...tinyRun(), steps: 3 }));
    expect(events.map(short)).toEqual(["step-end 1", "step-end 2", "step-end 3", "stopped 3"]);
    expect(events.at(-1)).toEqual({ type: "stopped", step: 3, reason: "finished" });
    const { milliseconds, tokensPerSecond, ...first } = events[0] as StepEnd;
    expect(first).toEqual({
      type: "step-end",
      step: 1,
      loss: expect.closeTo(Math.log(11), 0),
      learningRate: 0.01 / 4,
      gradientNorm: expect.any(Number),
    });
    expect(tokensPerSecond).toBeCloseTo((1000 * 2 * 2 * 6) / milliseconds, 6);
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });

  it("learns, and the same run gives the same losses to the last bit", async () => {
    const losses = lossesOf(await collect(train(tinyRun())));
    const mean = (from: number) => [...losses.values()].slice(from, from + 5).reduce((a, b) => a + b) / 5;
    expect(mean(35)).toBeLessThan(mean(0) - 0.2);
    expect(lossesOf(await collect(train(tinyRun())))).toEqual(losses);
    const otherMasks = lossesOf(await collect(train({ ...tinyRun(), seed: 10, stopAfter: 1 })));
    expect(otherMasks.get(1)).not.toBe(losses.get(1));
  });

  it("keeps the number of live buffers from step to step", async () => {
    const buffers = new Map<number, number>();
    for await (const { step } of train({ ...tinyRun(), steps: 110 })) buffers.set(step, memory().numDataBuffers);
    expect(buffers.get(110)).toBe(buffers.get(10));
  });

  it("lets the event loop run between steps", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await collect(train({ ...tinyRun(), steps: 20 }));
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(10);
  });

  it("changes only the given parameters", async () => {
    const model = tinyModel();
    const frozen = [...parameters(model.blocks).values()];
    const before = values(frozen);
    await collect(train({ ...tinyRun(model), parameters: parameters(model.finalNorm), steps: 2 }));
    expect(values(frozen)).toEqual(before);
    expect(values([model.finalNorm.scale])[0].some((scale) => scale !== 1)).toBe(true);
  });
});

describe("actions", () => {
  it("run every N steps and after the last, checkpoints at the end of their step", async () => {
    const log: string[] = [];
    const store = { save: async (run: Run) => `${log.push(`save ${run.step}`)}` };
    const every = { 3: [note(log, "three")], 2: [saveCheckpoint(store), note(log, "two")] };
    await collect(train({ ...tinyRun(), steps: 7, every }));
    expect(log).toEqual([
      "two 2",
      "save 2",
      "three 3",
      "two 4",
      "save 4",
      "two 6",
      "three 6",
      "save 6",
      "two 7",
      "three 7",
      "save 7",
    ]);
  });

  it("evaluate reports numbers beside their name", async () => {
    const every = { 2: [evaluate("validation", async () => ({ loss: 2, perplexity: 7 }))] };
    const events = await collect(train({ ...tinyRun(), steps: 2, every }));
    expect(events[2]).toEqual({ type: "eval-end", step: 2, name: "validation", loss: 2, perplexity: 7 });
  });
});

describe("stopping", () => {
  const stop = async (options: Partial<ReturnType<typeof tinyRun>>): Promise<{ last: TrainEvent; log: string[] }> => {
    const log: string[] = [];
    const both = note(log, "both");
    const every = { ...options.every, 4: [both] };
    const events = await collect(train({ ...tinyRun(), ...options, every, whenStopped: [both, note(log, "end")] }));
    return { last: events.at(-1) as TrainEvent, log };
  };

  it("after a step, as an interruption would: actions of the end once, of `every` not", async () => {
    expect(await stop({ stopAfter: 3 })).toEqual({
      last: { type: "stopped", step: 3, reason: "stop-after" },
      log: ["both 3", "end 3"],
    });
    expect((await stop({ stopAfter: 4 })).log).toEqual(["both 4", "end 4"]);
  });

  it("at the end of the run `whenStopped` is not done", async () => {
    expect((await stop({ steps: 2 })).log).toEqual(["both 2"]);
  });

  it("by a signal, after the step in progress", async () => {
    const controller = new AbortController();
    const every = { 2: [() => setTimeout(() => controller.abort(), 0) && undefined] };
    const { last } = await stop({ signal: controller.signal, every });
    expect(last).toMatchObject({ type: "stopped", reason: "aborted" });
    expect(last.step).toBeLessThan(10);
  });

  it("by a signal that was there before: no step, nothing done", async () => {
    expect(await stop({ signal: AbortSignal.abort() })).toEqual({
      last: { type: "stopped", step: 0, reason: "aborted" },
      log: [],
    });
  });

  it("early, when the evaluations no longer improve", async () => {
    const losses = [5, 4, 4.5, 4.2, 1];
    const every = { 2: [evaluate("validation", () => ({ loss: losses.shift() ?? 0 }))] };
    const { last } = await stop({ every, earlyStopping: { metric: "validation.loss", patience: 2 } });
    expect(last).toEqual({ type: "stopped", step: 8, reason: "early-stopping" });
  });
});

describe("a run that cannot go on", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])("stops at a loss of %d before the update", async (factor) => {
    const model = tinyModel();
    const run = tinyRun(model);
    let calls = 0;
    const objective: typeof run.objective = (batch, context) => {
      const { loss, count } = run.objective(batch, context);
      calls++;
      return { loss: (calls > 4 ? mul(loss, scalar(factor)) : loss) as Scalar, count }; // two micro-batches a step
    };
    let before: number[][] = [];
    let buffers = 0;
    const failing = (async () => {
      for await (const _ of train({ ...run, objective })) {
        before = values(parameters(model).values());
        buffers = memory().numDataBuffers;
      }
    })();
    await expect(failing).rejects.toThrow(NonFiniteLossError);
    await expect(failing).rejects.toMatchObject({ step: 3 });
    expect(values(parameters(model).values())).toEqual(before);
    expect(memory().numDataBuffers).toBe(buffers);
    dispose(model);
  });

  it("says so when there are no batches", async () => {
    const batches = { [Symbol.iterator]: () => [][Symbol.iterator](), state: () => ({}), restore: () => {} };
    await expect(collect(train({ ...tinyRun(), batches }))).rejects.toThrow(EmptyBatchesError);
  });

  it.each([{ steps: 0 }, { steps: 1.5 }, { accumulate: 0 }, { every: { 0: [] } }, { parameters: new Map() }])(
    "refuses %j",
    async (options) => {
      await expect(collect(train({ ...tinyRun(), ...options }))).rejects.toThrow(InvalidOptionError);
    },
  );
});
