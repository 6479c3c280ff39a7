import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { latestCheckpoint } from "@tessera-lm/trainer/node";
import { UsageError } from "./options.ts";
import { holdsRun, type RunSettings, readRunSettings } from "./run-settings.ts";
import { lastRunFolder } from "./runs.ts";

/** The model in a folder: the folder itself, or the last checkpoint of a run; without a folder, of the last run. */
export async function findModelFolder(named: string | undefined): Promise<string> {
  const folder = named ?? (await lastRunFolder());
  if (existsSync(join(folder, "config.json"))) return folder;
  const last = await latestCheckpoint(join(folder, "checkpoints"));
  if (last !== undefined) return last;
  if (statSync(folder, { throwIfNoEntry: false })?.isFile()) {
    throw new UsageError(
      `${folder} is a file that this example does not open: name a folder with a config.json or a .gguf file. ` +
        "A .bin of llama2.c is opened by loadLlama2c of @tessera-lm/gpt/node; saveModel then makes such a folder of it.",
    );
  }
  const problem = existsSync(folder)
    ? "holds no model: neither a config.json nor a run with checkpoints"
    : "does not exist";
  throw new UsageError(`${folder} ${problem}. Train a model with npm start, or name another one with --model.`);
}

/** The settings of the run that made the model in `folder`, if it is a checkpoint of one. */
export async function runOfModel(folder: string): Promise<RunSettings | undefined> {
  const run = dirname(dirname(folder));
  return holdsRun(run) ? readRunSettings(run) : undefined;
}
