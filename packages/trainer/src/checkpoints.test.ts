import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memory, setBackend } from "@tensorflow/tfjs";
import { saveModel } from "@tessera-lm/gpt/node";
import { parameters } from "@tessera-lm/layers";
import { WriteError } from "@tessera-lm/weights";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { evaluate, saveCheckpoint } from "./actions.ts";
import { DamagedCheckpointError, FolderInUseError, MissingCheckpointError } from "./checkpoint-errors.ts";
import { latestCheckpoint } from "./checkpoint-folder.ts";
import type { CheckpointOptions } from "./checkpoints.ts";
import { CheckpointMismatchError, InvalidOptionError, NonFiniteParameterError } from "./errors.ts";
import type { TrainEvent } from "./events.ts";
import { adamw } from "./optimizers/adamw.ts";
import { chain } from "./optimizers/chain.ts";
import type { Gradients } from "./optimizers/gradients.ts";
import { sgd } from "./optimizers/sgd.ts";
import type { TrainOptions } from "./options.ts";
import { collect, lossesOf, type TinyBatch, tinyModel, tinyRun, tinyStore } from "./testing/tiny-run.ts";
import { train } from "./train.ts";

let folder = "";
beforeAll(() => setBackend("cpu"));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tessera-checkpoints-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Options = Partial<TrainOptions<TinyBatch>>;

/** Trains, saving every two steps; resumes from `from` when it is given. */
async function run(
  options: Options = {},
  { from, ...store }: Partial<CheckpointOptions> & { from?: string } = {},
): Promise<TrainEvent[]> {
  const model = tinyModel();
  const kept = tinyStore(model, folder, store);
  const save = saveCheckpoint(kept);
  const resume = from === undefined ? undefined : await kept.load(from);
  return collect(train({ ...tinyRun(model), every: { 2: [save] }, whenStopped: [save], ...options, resume }));
}

const folders = async (): Promise<string[]> => (await readdir(folder)).sort();
const path = (step: number): string => join(folder, `step-${String(step).padStart(6, "0")}`);
const stateOf = async (step: number) => JSON.parse(await readFile(join(path(step), "trainer_state.json"), "utf8"));

describe("a checkpoint", () => {
  it("is the model folder and two files of the trainer", async () => {
    const events = await run({ stopAfter: 2 });
    expect(events).toContainEqual({ type: "checkpoint-saved", step: 2, path: path(2) });
    expect((await readdir(path(2))).sort()).toEqual([
      "config.json",
      "generation_config.json",
      "model.safetensors",
      "optimizer.safetensors",
      "trainer_state.json",
    ]);
    expect(await stateOf(2)).toMatchObject({ version: 1, step: 2, seed: 9, tokens: 48, evaluations: [] });
  });

  it("goes on exactly, dropout, batches and schedule included", async () => {
    const whole = lossesOf(await collect(train({ ...tinyRun(), steps: 12 })));
    const first = lossesOf(await run({ steps: 12, stopAfter: 5 }));
    const second = lossesOf(await run({ steps: 12, seed: 1 }, { from: path(5) }));
    expect([...first.keys(), ...second.keys()]).toEqual([...whole.keys()]);
    expect(new Map([...first, ...second])).toEqual(whole);
  });

  it("keeps evaluations, and with them the patience of early stopping", async () => {
    const earlyStopping = { metric: "validation.loss", patience: 3 };
    const losses = [3, 4, 5, 6];
    const model = tinyModel();
    const store = tinyStore(model, folder);
    const every = { 1: [saveCheckpoint(store), evaluate("validation", () => ({ loss: losses.shift() ?? 0 }))] };
    await collect(train({ ...tinyRun(model), every, earlyStopping, stopAfter: 2 }));
    const resume = await store.load();
    const events = await collect(train({ ...tinyRun(model), every, earlyStopping, resume }));
    expect(events.at(-1)).toEqual({ type: "stopped", step: 4, reason: "early-stopping" });
  });

  it("leaves no tensor behind when it is restored", async () => {
    await run({ stopAfter: 2 });
    const model = tinyModel();
    const options = tinyRun(model);
    const before = memory().numDataBuffers;
    const resume = await tinyStore(model, folder).load();
    await collect(train({ ...options, steps: 2, resume }));
    expect(memory().numDataBuffers - before).toBe(2 * options.parameters.size); // the two moments of each parameter
  });
});

describe("what is kept", () => {
  it("the last two", async () => {
    await run({ stopAfter: 8 });
    expect(await folders()).toEqual(["step-000006", "step-000008"]);
  });

  it("the last and the best", async () => {
    const losses = [3, 1, 2, 1, Number.NaN];
    const model = tinyModel();
    const store = tinyStore(model, folder, { keepLast: 1, keepBest: { metric: "validation.loss" } });
    const every = { 2: [evaluate("validation", () => ({ loss: losses.shift() ?? 0 })), saveCheckpoint(store)] };
    await collect(train({ ...tinyRun(model), every, stopAfter: 10 }));
    expect(await folders()).toEqual(["step-000004", "step-000010"]);
    expect(await store.best()).toBe(path(4));
    expect(await store.latest()).toBe(path(10));
    expect((await stateOf(10)).best).toEqual({ metric: "validation.loss", step: 4, value: 1 });
  });

  it("nothing later than a checkpoint that was gone back to", async () => {
    await run({ stopAfter: 8 }, { keepLast: 9 });
    const again = await run({ stopAfter: 5 }, { keepLast: 9, from: path(2) });
    expect(await folders()).toEqual(["step-000002", "step-000004", "step-000005"]);
    expect(lossesOf(again).size).toBe(3);
  });

  it("the checkpoints of another run: a fresh one is refused before its first step", async () => {
    await run({ stopAfter: 4 });
    const before = await folders();
    const save = [saveCheckpoint(tinyStore(tinyModel(), folder))];
    for (const actions of [{ every: { 2: save } }, { whenStopped: save }]) {
      await expect(train({ ...tinyRun(), ...actions }).next()).rejects.toThrow(FolderInUseError);
    }
    expect(await folders()).toEqual(before);
  });

  it("the checkpoints of another run: one that goes on from elsewhere is refused", async () => {
    const [model, other] = [tinyModel(), join(folder, "other")];
    const store = tinyStore(model, other);
    const every = { 2: [saveCheckpoint(store)] };
    await collect(train({ ...tinyRun(model), every, stopAfter: 6 }));
    await run({ stopAfter: 2 });
    const elsewhere = [await tinyStore(model, folder).load(), await store.load(path(2))];
    for (const resume of elsewhere) {
      await expect(train({ ...tinyRun(model), every, resume }).next()).rejects.toThrow(FolderInUseError);
    }
    expect((await readdir(other)).sort()).toEqual(["step-000004", "step-000006"]);
    const empty = [saveCheckpoint(tinyStore(model, join(folder, "empty")))];
    await collect(train({ ...tinyRun(model), every: { 4: empty }, stopAfter: 4, resume: await store.load(path(2)) }));
    expect(await latestCheckpoint(join(folder, "empty"))).toBe(join(folder, "empty", "step-000004"));
  });

  it("the checkpoints of the first run, when a second fresh one has the same store", async () => {
    const model = tinyModel();
    const options = { ...tinyRun(model), every: { 2: [saveCheckpoint(tinyStore(model, folder))] }, stopAfter: 2 };
    await collect(train(options));
    await expect(collect(train(options))).rejects.toThrow(FolderInUseError);
  });

  it.each([{ keepLast: 0 }, { keepLast: 1.5 }, { keepBest: { metric: "loss" } }])("not with %j", (options) => {
    expect(() => tinyStore(tinyModel(), folder, options)).toThrow(InvalidOptionError);
  });

  it("not what killed saves left", async () => {
    await run({ stopAfter: 2 });
    await cp(path(2), join(folder, ".step-000009.tessera-999999999-0123456789ab.new"), { recursive: true });
    await cp(path(2), join(folder, ".discarded-step-000001"), { recursive: true });
    await rm(join(folder, ".discarded-step-000001", "model.safetensors"));
    expect(await tinyStore(tinyModel(), folder).latest()).toBe(path(2));
    expect(await folders()).toEqual(["step-000002"]);
  });

  it("a checkpoint whose replacement was cut in the middle is put back", async () => {
    await run({ stopAfter: 2 });
    const names = [
      `.step-000002.tessera-999999999-0123456789ab.old`,
      `.step-000002.tessera-999999999-0123456789ab.new`,
    ];
    for (const name of names) await cp(path(2), join(folder, name), { recursive: true });
    await rm(path(2), { recursive: true });
    expect((await tinyStore(tinyModel(), folder).load()).state.step).toBe(2);
    expect(await folders()).toEqual(["step-000002"]);
  });
});

describe("a checkpoint that cannot be restored", () => {
  const snapshot = (options: TrainOptions<TinyBatch>) => ({
    parameters: [...options.parameters].map(([name, parameter]) => [name, [...parameter.dataSync()]]),
    batches: options.batches.state(),
    optimizer: [...options.optimizer.state().keys()],
  });

  /** Resuming fails and the run that was to be resumed is untouched. */
  async function expectUntouched(options: TrainOptions<TinyBatch>, model = tinyModel()): Promise<unknown> {
    const before = snapshot(options);
    const buffers = memory().numDataBuffers;
    const error = await (async () => {
      const resume = await tinyStore(model, folder).load();
      await collect(train({ ...options, resume }));
    })().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(snapshot(options)).toEqual(before);
    expect(memory().numDataBuffers).toBe(buffers);
    return error;
  }

  it("because it is of a wider model", async () => {
    await run({ stopAfter: 2 });
    const error = await expectUntouched(tinyRun(tinyModel(16)));
    expect(error).toBeInstanceOf(CheckpointMismatchError);
    expect(error).toMatchObject({ tensor: "tokenEmbedding.weight" });
    expect(String(error)).toMatch(/\[11, 8\] in the checkpoint and \[11, 16\] in this run/);
  });

  it("because it is of another optimiser", async () => {
    await run({ stopAfter: 2 });
    const error = await expectUntouched({ ...tinyRun(), optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) });
    expect(error).toMatchObject({ name: "CheckpointMismatchError", tensor: "momentum.tokenEmbedding.weight" });
  });

  it("because other parameters were trained", async () => {
    await run({ stopAfter: 2 });
    const model = tinyModel();
    const error = await expectUntouched({ ...tinyRun(model), parameters: parameters(model.finalNorm) });
    expect(error).toMatchObject({ name: "CheckpointMismatchError", tensor: "scale" });
  });

  it("because the model beside it is another", async () => {
    await run({ stopAfter: 2 });
    await saveModel(tinyModel(16), path(2));
    expect(await expectUntouched(tinyRun())).toMatchObject({ name: "CheckpointMismatchError" });
  });

  it("because its step is not that of its folder", async () => {
    await run({ stopAfter: 2 });
    await writeFile(join(path(2), "trainer_state.json"), JSON.stringify({ ...(await stateOf(2)), step: 1 }));
    const error = await expectUntouched(tinyRun());
    expect(error).toMatchObject({ name: "DamagedCheckpointError" });
    expect(String(error)).toMatch(/step is 1, which is not that of the folder step-000002/);
  });

  it("because its batches are of another text", async () => {
    await run({ stopAfter: 2 });
    const file = join(path(2), "trainer_state.json");
    const state = await stateOf(2);
    await writeFile(file, JSON.stringify({ ...state, batches: { ...state.batches, length: 1 } }));
    expect(await expectUntouched(tinyRun())).toMatchObject({ name: "BatchStateError" });
  });

  it.each(["model.safetensors", "optimizer.safetensors", "trainer_state.json"])("because %s is cut", async (name) => {
    await run({ stopAfter: 2 });
    const file = join(path(2), name);
    const { length } = await readFile(file);
    for (const size of [length - 3, Math.floor(length / 2), 5, 0]) {
      await truncate(file, size);
      const error = await expectUntouched(tinyRun());
      expect(error, `${size} bytes`).toMatchObject({ isTesseraError: true });
      expect(String(error)).toContain(file);
    }
  });

  it.each([
    ["version", 2],
    ["step", -1],
    ["step", "2"],
    ["seed", null],
    ["tokens", 0.5],
    ["batches", []],
    ["evaluations", {}],
    ["parameters", { a: [-1] }],
  ])("because trainer_state.json says that %s is %j", async (field, value) => {
    await run({ stopAfter: 2 });
    await writeFile(join(path(2), "trainer_state.json"), JSON.stringify({ ...(await stateOf(2)), [field]: value }));
    const error = await expectUntouched(tinyRun());
    expect(error).toBeInstanceOf(DamagedCheckpointError);
    expect(String(error)).toContain(`${field} is`);
  });

  it("because there is none", async () => {
    expect(await expectUntouched(tinyRun())).toBeInstanceOf(MissingCheckpointError);
    expect(await tinyStore(tinyModel(), join(folder, "missing")).latest()).toBeUndefined();
  });
});

describe("an update that spoils the parameters", () => {
  const spoil = (gradients: Gradients): Gradients => ({ ...gradients, scale: Number.NaN });

  it.each([
    ["a learning rate", adamw({ learningRate: (step) => (step === 2 ? Number.NaN : 0.01) }), /learningRate of step 2/],
    ["a transform", chain(spoil, adamw({ learningRate: 0.01 })), NonFiniteParameterError],
  ])("by %s that is NaN is not saved", async (_what, optimizer, error) => {
    await run({ stopAfter: 1, whenStopped: [saveCheckpoint(tinyStore(tinyModel(), folder))] });
    const before = await folders();
    const model = tinyModel();
    const store = tinyStore(model, folder);
    const every = { 1: [saveCheckpoint(store)] };
    const failing = collect(train({ ...tinyRun(model), optimizer, every, resume: await store.load() }));
    await expect(failing).rejects.toThrow(error);
    expect(await folders()).toEqual(before);
  });
});

describe("latestCheckpoint", () => {
  it("goes by the number, and cleans nothing", async () => {
    expect(await latestCheckpoint(join(folder, "missing"))).toBeUndefined();
    const left = ".step-000009.tessera-999999999-0123456789ab.new";
    for (const name of ["step-000002", "step-999999", "step-1000000", left, "step-x"]) await mkdir(join(folder, name));
    expect(await latestCheckpoint(folder)).toBe(join(folder, "step-1000000"));
    expect(await folders()).toContain(left);
  });
});

describe("a save that fails", () => {
  const full = Object.assign(new Error("no space left on device"), { code: "ENOSPC" });

  it.each(["before the model", "after the model"])(
    "on a full disk, %s: the last checkpoint is intact",
    async (when) => {
      await run({ stopAfter: 2 });
      const model = tinyModel();
      const writeModel = async (target: string): Promise<void> => {
        if (when === "after the model") await saveModel(model, target);
        throw full;
      };
      const failing = run({ stopAfter: 4 }, { from: path(2), writeModel });
      await expect(failing).rejects.toThrow(WriteError);
      await expect(failing).rejects.toMatchObject({ code: "ENOSPC", path: path(4) });
      expect(await folders()).toEqual(["step-000002"]);
      expect(lossesOf(await run({ stopAfter: 4 }, { from: path(2) })).size).toBe(2);
    },
  );

  it.skipIf(process.getuid?.() === 0)("in a read-only folder", async () => {
    await mkdir(join(folder, "sealed"), { mode: 0o500 });
    folder = join(folder, "sealed");
    await expect(run({ stopAfter: 2 })).rejects.toThrow(WriteError);
  });

  it("where a file stands in the way", async () => {
    folder = join(folder, "file");
    await writeFile(folder, "");
    await expect(run({ stopAfter: 2 })).rejects.toThrow(WriteError);
    expect(existsSync(folder)).toBe(true);
  });
});
