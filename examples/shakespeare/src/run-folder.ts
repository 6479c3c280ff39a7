import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type Corpus,
  holdsRun,
  lastRunFolder,
  nextRunFolder,
  type RunSettings,
  readRunSettings,
  textHash,
  UsageError,
  writeRunSettings,
} from "@tessera-examples/common";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { saveTokenizer } from "@tessera-lm/tokenizer/node";
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
}

/** The folder and settings of a new run, or with `--resume` those of a run to go on with. Nothing is written yet. */
export async function planRun(options: Options): Promise<RunPlan> {
  return options.resume
    ? resumedRun(options.out ?? (await lastRunFolder()), options)
    : newRun(options.out ?? nextRunFolder(), options);
}

/** Writes down what the run is made of, once text and vocabulary have proved usable. */
export async function keepPlan(plan: RunPlan, corpus: Corpus, tokenizer: Tokenizer): Promise<void> {
  const { path, preset, data, steps, seed } = plan;
  await mkdir(path, { recursive: true });
  await saveTokenizer(tokenizer, path);
  await writeRunSettings(path, { preset, data, textSha256: textHash(corpus), steps, seed });
}

function newRun(path: string, options: Options): RunPlan {
  if (holdsRun(path)) {
    throw new UsageError(`${path} already holds a run; add --resume to go on with it, or choose another --out.`);
  }
  const { preset = "baby", seed = 1337, steps = presets[preset].steps } = options;
  return { path, preset, data: absolute(options.data), steps, seed };
}

async function resumedRun(path: string, options: Options): Promise<RunPlan> {
  const settings = await readRunSettings(path);
  const said = { ...options, data: absolute(options.data) };
  for (const name of ["preset", "data", "steps", "seed"] as const) {
    if (said[name] === undefined || said[name] === settings[name]) continue;
    throw new UsageError(
      `The run in ${path} has --${name} ${settings[name] ?? "unset"}, not ${said[name]}; resume it without that option, or start a new run in another --out.`,
    );
  }
  if (hasKnownPreset(settings)) return { path, ...settings };
  throw new UsageError(
    `The run in ${path} has an unknown preset, ${settings.preset}; start a new run in another --out.`,
  );
}

const absolute = (file: string | undefined): string | undefined => (file === undefined ? undefined : resolve(file));

const hasKnownPreset = (settings: RunSettings): settings is RunSettings & { preset: PresetName } =>
  Object.hasOwn(presets, settings.preset);
