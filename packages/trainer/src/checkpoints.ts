import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Tensor } from "@tensorflow/tfjs";
import { writeFileAtomic, writeFolderAtomic } from "@tessera-lm/weights/node";
import { checkCount } from "./check-number.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint.ts";
import { DamagedCheckpointError, FolderInUseError, MissingCheckpointError } from "./checkpoint-errors.ts";
import { checkpointName, cleanFolder, discardCheckpoint, listCheckpoints } from "./checkpoint-folder.ts";
import { bestOf, history, type Metric, type ParsedMetric, parseMetric } from "./metric.ts";
import { readOptimizer, writeOptimizer } from "./optimizer-file.ts";
import type { Run } from "./run.ts";
import type { TrainerState } from "./trainer-state.ts";
import { readTrainerState } from "./trainer-state-file.ts";

const STATE_FILE = "trainer_state.json";
const OPTIMIZER_FILE = "optimizer.safetensors";

export interface CheckpointOptions {
  /** Writes the model into a folder, as float32. It stands beside the trainer's two files. */
  readonly writeModel: (folder: string) => Promise<void>;
  /** Reads what `writeModel` wrote: values by parameter name. They are checked, copied into the model and freed. */
  readonly readModel: (folder: string) => Promise<ReadonlyMap<string, Tensor>>;
  /** How many of the newest to keep; 2 by default. */
  readonly keepLast?: number;
  /** Keeps the best one too: the lowest `validation.loss`, say, among those saved at the step of an evaluation. */
  readonly keepBest?: Metric;
}

/** The checkpoints of one run on disk. */
export interface Checkpoints extends CheckpointStore {
  /** The path of the checkpoint of the last step, if there is one. */
  latest(): Promise<string | undefined>;
  /** The path of the best one by `keepBest`, if any was evaluated. */
  best(): Promise<string | undefined>;
  /**
   * Reads a checkpoint, the latest by default, for `train({ resume })`.
   * @throws MissingCheckpointError, DamagedCheckpointError, the errors of `readModel` and of `@tessera-lm/weights`
   */
  load(path?: string): Promise<Checkpoint>;
}

/**
 * Keeps checkpoints as `folder/step-000020/`: the model folder of `writeModel`, `trainer_state.json` and
 * `optimizer.safetensors`. Each appears whole or not at all, and older ones go only when the new one stands, so the
 * latest one is good whenever the process is killed. Saving after a resume from an older checkpoint also removes the
 * later ones: they belong to a future that was left.
 *
 * A folder that holds checkpoints admits only a run that goes on from one which this store loaded from it: `begin`,
 * which `train` calls before the first step, and `save` throw FolderInUseError for any other. `save` throws WriteError
 * when the disk refuses.
 * @throws InvalidOptionError
 */
export function checkpoints(folder: string, options: CheckpointOptions): Checkpoints {
  const { readModel, writeModel, keepLast = 2 } = options;
  checkCount("keepLast", keepLast, 1);
  const keepBest = options.keepBest && parseMetric("keepBest", options.keepBest);
  const admitted = new WeakSet<Run>();
  let loadedStep: number | undefined;
  let cleaned: Promise<void> | undefined;
  const list = async (): ReturnType<typeof listCheckpoints> => {
    cleaned ??= cleanFolder(folder);
    await cleaned;
    return listCheckpoints(folder);
  };
  const latest = async (): Promise<string | undefined> => (await list()).at(-1)?.path;
  const best = async (): Promise<string | undefined> => bestPath(await list(), keepBest);

  const begin = async (run: Run): Promise<void> => {
    if (admitted.has(run)) return;
    const newest = await latest();
    if (newest !== undefined && run.resumedFrom !== loadedStep) throw new FolderInUseError(folder, newest);
    admitted.add(run);
  };

  return {
    latest,
    best,
    begin,
    async load(path) {
      const chosen = path ?? (await latest());
      if (chosen === undefined) throw new MissingCheckpointError(folder);
      const state = await readTrainerState(join(chosen, STATE_FILE));
      requireItsStep(chosen, state);
      const optimizer = await readOptimizer(join(chosen, OPTIMIZER_FILE));
      const parameters = await readModel(chosen);
      loadedStep = (await isSameFolder(dirname(chosen), folder)) ? state.step : undefined;
      return { state, optimizer, parameters };
    },
    async save(run) {
      await begin(run);
      const path = join(folder, checkpointName(run.step));
      await writeFolderAtomic(path, async (temporary) => {
        await writeModel(temporary);
        await writeOptimizer(join(temporary, OPTIMIZER_FILE), run.optimizer.state());
        await writeState(join(temporary, STATE_FILE), run, keepBest);
      });
      await prune(folder, run.step, keepLast, keepBest);
      return path;
    },
  };
}

/** A folder called `step-000020` holds step 20; one that was renamed holds what it holds. */
function requireItsStep(path: string, { step }: TrainerState): void {
  const name = basename(path);
  if (!/^step-\d+$/.test(name) || name === checkpointName(step)) return;
  throw new DamagedCheckpointError(join(path, STATE_FILE), `step is ${step}, which is not that of the folder ${name}`);
}

async function isSameFolder(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => realpath(path).catch(() => undefined)));
  return first !== undefined && first === second;
}

async function writeState(path: string, run: Run, keepBest: ParsedMetric | undefined): Promise<void> {
  const best = keepBest && bestOf(history(run.evaluations, keepBest), keepBest);
  const state = { ...run.state(), ...(keepBest && best && { best: { metric: keepBest.metric, ...best } }) };
  await writeFileAtomic(path, `${JSON.stringify(state, null, 2)}\n`);
}

/** Removes what is neither among the last nor the best, and what comes after the step that was just saved. */
async function prune(
  folder: string,
  step: number,
  keepLast: number,
  keepBest: ParsedMetric | undefined,
): Promise<void> {
  const all = await listCheckpoints(folder);
  const current = all.filter((checkpoint) => checkpoint.step <= step);
  const kept = new Set(current.slice(-keepLast).map(({ path }) => path));
  const best = await bestPath(current, keepBest);
  for (const { path } of all) if (!kept.has(path) && path !== best) await discardCheckpoint(folder, path);
}

/** The checkpoint whose own evaluation was best; the first of equals. */
async function bestPath(
  all: readonly { step: number; path: string }[],
  metric: ParsedMetric | undefined,
): Promise<string | undefined> {
  if (metric === undefined) return undefined;
  const scored = await Promise.all(all.map(async ({ path }) => ({ path, value: await scoreOf(path, metric) })));
  return bestOf(scored, metric)?.path;
}

/** What was evaluated at the step of the checkpoint; NaN, never the best, if nothing was or it cannot be read. */
async function scoreOf(path: string, metric: ParsedMetric): Promise<number> {
  const state = await readTrainerState(join(path, STATE_FILE)).catch(() => undefined);
  const points = state === undefined ? [] : history(state.evaluations, metric);
  return points.findLast(({ step }) => step === state?.step)?.value ?? Number.NaN;
}
