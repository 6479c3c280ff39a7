import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memory, mul, type Scalar, scalar, setBackend, type Tensor, tidy } from "@tensorflow/tfjs";
import { generate } from "@tessera-lm/gpt";
import { dispose, parameters } from "@tessera-lm/layers";
import { beforeAll, describe, expect, it } from "vitest";
import { type Action, evaluate, saveCheckpoint } from "./actions.ts";
import { EmptyBatchesError, InvalidOptionError, NonFiniteLossError, UnknownMetricError } from "./errors.ts";
import type { EvalEnd, StepEnd, TrainEvent } from "./events.ts";
import { nextToken } from "./objective.ts";
import type { Run } from "./run.ts";
import { collect, lossesOf, tinyModel, tinyRun, tinyStore } from "./testing/tiny-run.ts";
import { train } from "./train.ts";

beforeAll(() => setBackend("cpu"));

const short = (event: TrainEvent): string => `${event.type} ${event.step}`;
const note =
  (log: string[], name: string): Action =>
  (run) => {
    log.push(`${name} ${run.step}`);
  };
const saveNowhere = saveCheckpoint({ save: async () => "nowhere" });
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

  it("gives the same losses to the last bit with gradient checkpointing", async () => {
    const losses = lossesOf(await collect(train({ ...tinyRun(), steps: 10 })));
    const model = tinyModel();
    const objective = nextToken(model, { checkpointing: true });
    expect(lossesOf(await collect(train({ ...tinyRun(model), objective, steps: 10 })))).toEqual(losses);
  });

  it("keeps the number of live buffers, whatever is done between the steps", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tessera-leaks-"));
    const model = tinyModel();
    const run = tinyRun(model);
    const [batch] = run.batches;
    const validate = evaluate("validation", () => ({
      loss: tidy(() => run.objective(batch, { seed: 1 }).loss.dataSync()[0]),
    }));
    const sample: Action = async ({ step }) => {
      const ids: number[] = [];
      for await (const id of generate(model, [1], { maxNewTokens: 3 })) ids.push(id);
      return { type: "sample", step, text: ids.join(" ") };
    };
    const every = { 5: [validate, sample, saveCheckpoint(tinyStore(model, folder))] };
    const buffers = new Map<string, number>();
    for await (const event of train({ ...run, steps: 60, every })) buffers.set(short(event), memory().numDataBuffers);
    for (const type of ["step-end", "eval-end", "sample", "checkpoint-saved"]) {
      expect(buffers.get(`${type} 60`), type).toBe(buffers.get("step-end 10"));
    }
    await rm(folder, { recursive: true });
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

describe("a signal while actions are at work", () => {
  /** Evaluates every second step; the signal comes while the evaluation of step 4 is at work, or never. */
  const evaluations = async (folder: string, { interrupt }: { interrupt: boolean }): Promise<TrainEvent[]> => {
    const controller = new AbortController();
    const model = tinyModel();
    const store = tinyStore(model, folder);
    const validate = evaluate("validation", async ({ step, signal }) => {
      if (interrupt && step === 4) controller.abort();
      signal?.throwIfAborted();
      return { loss: (await parameters(model).get("finalNorm.scale")?.data())?.[0] ?? 0 };
    });
    const save = saveCheckpoint(store);
    const every = { 2: [evaluate("quick", () => ({ loss: 1 })), validate, save] };
    const resume = (await store.latest()) === undefined ? undefined : await store.load();
    const { signal } = controller;
    return collect(train({ ...tinyRun(model), steps: 6, every, whenStopped: [save], signal, resume }));
  };
  const timeless = (events: TrainEvent[], folder: string): string[] =>
    events
      .map((event) => ({ ...event, milliseconds: 0, tokensPerSecond: 0 }))
      .map((event) => JSON.stringify(event).replaceAll(folder, ""));

  it("ends the evaluation, and the resumed run first does what was left out: nothing is lost", async () => {
    const [whole, cut] = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), "tessera-cut-"))));
    const expected = timeless(await evaluations(whole, { interrupt: false }), whole);
    const first = await evaluations(cut, { interrupt: true });
    expect(first.slice(-4).map(short)).toEqual(["step-end 4", "eval-end 4", "checkpoint-saved 4", "stopped 4"]);
    const second = await evaluations(cut, { interrupt: false });
    expect(second.slice(0, 4).map(short)).toEqual(["eval-end 4", "eval-end 4", "checkpoint-saved 4", "step-end 5"]);
    expect(timeless([...first.slice(0, -3), ...second], cut)).toEqual(expected);
    const [ours, theirs] = await Promise.all([whole, cut].map((folder) => tinyStore(tinyModel(), folder).load()));
    expect(ours.state).toEqual(theirs.state);
    await Promise.all([whole, cut].map((folder) => rm(folder, { recursive: true })));
  });

  it("does not hide an error", async () => {
    const controller = new AbortController();
    const broken: Action = () => {
      controller.abort();
      throw new TypeError("broken");
    };
    const failing = collect(train({ ...tinyRun(), every: { 1: [broken] }, signal: controller.signal }));
    await expect(failing).rejects.toThrow("broken");
  });
});

describe("a signal during the last evaluation", () => {
  it("leaves the run unfinished, and the resumed run finishes it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tessera-last-"));
    const run = async (controller: AbortController, interrupt: boolean): Promise<TrainEvent[]> => {
      const model = tinyModel();
      const store = tinyStore(model, folder);
      const validate = evaluate("validation", ({ signal }) => {
        if (interrupt) controller.abort();
        signal?.throwIfAborted();
        return { loss: 1 };
      });
      const every = { 4: [validate, saveCheckpoint(store)] };
      const resume = (await store.latest()) === undefined ? undefined : await store.load();
      return collect(train({ ...tinyRun(model), steps: 4, every, signal: controller.signal, resume }));
    };
    const first = await run(new AbortController(), true);
    expect(first.at(-1)).toEqual({ type: "stopped", step: 4, reason: "aborted" });
    const second = await run(new AbortController(), false);
    expect(second.map(short)).toEqual(["eval-end 4", "checkpoint-saved 4", "stopped 4"]);
    expect(second.at(-1)).toEqual({ type: "stopped", step: 4, reason: "finished" });
    await rm(folder, { recursive: true });
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

describe("early stopping", () => {
  const earlyStopping = { metric: "validation.loss", patience: 2 };

  it("does not count evaluations of `whenStopped`: an interrupted run stops where the whole one does", async () => {
    const losses = [5, 4, 4.5, 3, 3.5, 3.2, 1]; // after steps 2, 4, …: stops at 12
    const history: EvalEnd[][] = [];
    const run = async (stopAfter: number, folder: string): Promise<TrainEvent[]> => {
      const model = tinyModel();
      const store = tinyStore(model, folder);
      const save = saveCheckpoint(store);
      const validate = evaluate("validation", ({ step }) => ({ loss: losses[step / 2 - 1] ?? 9 }));
      const remember: Action = ({ evaluations }) => void history.push([...evaluations]);
      const every = { 2: [validate, remember, save] };
      const resume = (await store.latest()) === undefined ? undefined : await store.load();
      const options = { ...tinyRun(model), every, whenStopped: [validate, save], earlyStopping, resume };
      return collect(train({ ...options, stopAfter }));
    };
    const folder = await mkdtemp(join(tmpdir(), "tessera-patience-"));
    for (const stopAfter of [3, 5, 6, 7]) {
      const events = await run(stopAfter, folder);
      if (stopAfter !== 6) expect(events.at(-3)).toMatchObject({ type: "eval-end", step: stopAfter, loss: 9 });
      expect(events.at(-1)).toEqual({ type: "stopped", step: stopAfter, reason: "stop-after" });
    }
    expect((await run(40, folder)).at(-1)).toEqual({ type: "stopped", step: 12, reason: "early-stopping" });
    expect(history.at(-1)?.map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12]);
    await rm(folder, { recursive: true });
  });

  it("is an error where no evaluation bears its name, once all had their turn", async () => {
    const numbers = () => ({ loss: 1 });
    const every = { 1: [evaluate("quick", numbers)], 3: [evaluate("valid", numbers)], 100: [saveNowhere] };
    const steps: number[] = [];
    const failing = (async () => {
      for await (const { step } of train({ ...tinyRun(), every, earlyStopping })) steps.push(step);
    })();
    await expect(failing).rejects.toThrow(UnknownMetricError);
    await expect(failing).rejects.toThrow(/"validation\.loss"; they report quick\.loss, valid\.loss/);
    expect(steps.at(-1)).toBe(3);
    await expect(collect(train({ ...tinyRun(), earlyStopping }))).rejects.toThrow(/report nothing/);
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

  it.each([
    { steps: 0 },
    { steps: 1.5 },
    { stopAfter: 0 },
    { stopAfter: Number.NaN },
    { accumulate: 0 },
    { seed: -1 },
    { seed: 0.5 },
    { seed: Number.NaN },
    { every: { 0: [] } },
    { parameters: new Map() },
    { earlyStopping: { metric: "validation", patience: 1 } },
    { earlyStopping: { metric: "validation.loss", patience: 0 } },
    { earlyStopping: { metric: "validation.loss", patience: 1.5 } },
    { earlyStopping: { metric: "validation.loss" } as never },
    { earlyStopping: { metric: "validation.loss", patience: 1, minImprovement: Number.NaN } },
    { earlyStopping: { metric: "validation.loss", patience: 1, goal: "lower" as never } },
  ])("refuses %j", async (options) => {
    const failing = collect(train({ ...tinyRun(), ...options }));
    await expect(failing).rejects.toThrow(InvalidOptionError);
    await expect(failing).rejects.toThrow(Object.keys(options)[0]);
  });
});
