import { resolve } from "node:path";
import {
  type Corpus,
  holdsRun,
  lastRunFolder,
  nextRunFolder,
  type RunSettings,
  readRunSettings,
  requireFree,
  textHash,
  UsageError,
  writeRunSettings,
} from "@tessera-examples/common";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { saveTokenizer } from "@tessera-lm/tokenizer/node";
import { makeFolder } from "@tessera-lm/weights/node";
import { lockFolder } from "./lock-folder.ts";
import type { Options } from "./options.ts";
import { type PresetName, presets } from "./presets.ts";

/** What a run will be made of; the hash of its text is known only when it goes on from an earlier start. */
export interface RunPlan {
  /** The folder that holds the run: settings, vocabulary, checkpoints, events and report. */
  readonly path: string;
  readonly preset: PresetName;
  readonly data?: string;
  readonly steps: number;
  readonly seed: number;
  readonly textSha256?: string;
  /** What computed the steps so far. */
  readonly backend?: string;
}

/** The folder and settings of a new run, or with `--resume` those of a run to go on with. Nothing is written yet. */
export async function planRun(options: Options): Promise<RunPlan> {
  const plan = options.resume
    ? await resumedRun(options.out ?? (await lastRunFolder()), options)
    : newRun(options.out ?? nextRunFolder(), options);
  if ((options.stopAfter ?? 0) <= plan.steps) return plan;
  throw new UsageError(`The run has ${plan.steps} steps: it cannot --stop-after ${options.stopAfter}.`);
}

/** Takes the folder for this run, once text and vocabulary have proved usable, and writes down what a new one is made of. */
export async function openRunFolder(
  plan: RunPlan,
  corpus: Corpus,
  tokenizer: Tokenizer,
  computedBy: string,
): Promise<void> {
  const { path, preset, data, steps, seed, backend = computedBy } = plan;
  await makeFolder(path);
  lockFolder(path);
  if (plan.textSha256 === undefined) await saveTokenizer(tokenizer, path);
  else if (data === (await readRunSettings(path)).data) return; // Else the text has moved.
  await writeRunSettings(path, { preset, data, textSha256: textHash(corpus), steps, seed, backend });
}

function newRun(path: string, options: Options): RunPlan {
  if (holdsRun(path)) {
    throw new UsageError(`${path} already holds a run; add --resume to go on with it, or choose another --out.`);
  }
  requireFree(path);
  const { preset = "baby", seed = 1337, steps = presets[preset].steps } = options;
  return { path, preset, data: absolute(options.data), steps, seed };
}

async function resumedRun(path: string, options: Options): Promise<RunPlan> {
  const settings = await readRunSettings(path);
  for (const name of ["preset", "steps", "seed"] as const) {
    if (options[name] === undefined || options[name] === settings[name]) continue;
    throw new UsageError(
      `The run in ${path} has --${name} ${settings[name]}, not ${options[name]}; resume it without that option, or start a new run in another --out.`,
    );
  }
  const data = absolute(options.data) ?? settings.data; // which may have moved: its hash tells whether it is the same text
  if (hasKnownPreset(settings)) return { path, ...settings, data };
  throw new UsageError(
    `The run in ${path} has an unknown preset, ${settings.preset}; start a new run in another --out.`,
  );
}

const absolute = (file: string | undefined): string | undefined => (file === undefined ? undefined : resolve(file));

const hasKnownPreset = (settings: RunSettings): settings is RunSettings & { preset: PresetName } =>
  Object.hasOwn(presets, settings.preset);
