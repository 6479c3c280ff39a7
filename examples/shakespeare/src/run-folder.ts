import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { lastRunFolder, nextRunFolder, UsageError } from "@tessera-examples/common";
import type { Tokenizer } from "@tessera-lm/tokenizer";
import { saveTokenizer } from "@tessera-lm/tokenizer/node";
import { writeFileAtomic } from "@tessera-lm/weights/node";
import type { Options } from "./options.ts";
import { type PresetName, presets } from "./presets.ts";

/** What a run is made of. It is kept in the run's folder, so that `--resume` goes on with exactly the same. */
export interface RunSettings {
  readonly preset: PresetName;
  /** The text file; absent for tiny Shakespeare. */
  readonly data?: string;
  readonly steps: number;
  readonly seed: number;
}

/** A folder that holds one run: settings, vocabulary, checkpoints, events and report. */
export interface RunFolder {
  readonly path: string;
  readonly settings: RunSettings;
}

/** The folder and settings of a new run, or with `--resume` those of a run to go on with. Nothing is written yet. */
export async function openRunFolder(options: Options): Promise<RunFolder> {
  return options.resume
    ? reopen(options.out ?? (await lastRunFolder()), options)
    : plan(options.out ?? nextRunFolder(), options);
}

/** Writes down what the run is made of, once text and vocabulary have proved usable. */
export async function keepSettings({ path, settings }: RunFolder, tokenizer: Tokenizer): Promise<void> {
  await mkdir(path, { recursive: true });
  await saveTokenizer(tokenizer, path);
  await writeFileAtomic(settingsFile(path), `${JSON.stringify(settings, null, 2)}\n`);
}

function plan(path: string, options: Options): RunFolder {
  if (existsSync(settingsFile(path))) {
    throw new UsageError(`${path} already holds a run; add --resume to go on with it, or choose another --out.`);
  }
  const { preset = "baby", data, seed = 1337 } = options;
  return { path, settings: { preset, data, steps: options.steps ?? presets[preset].steps, seed } };
}

async function reopen(path: string, options: Options): Promise<RunFolder> {
  if (!existsSync(settingsFile(path)))
    throw new UsageError(`${path} holds no run to resume; start one without --resume.`);
  const settings = parseSettings(path, await readFile(settingsFile(path), "utf8"));
  for (const name of ["preset", "data", "steps", "seed"] as const) {
    const said = options[name];
    if (said === undefined || said === settings[name]) continue;
    throw new UsageError(
      `The run in ${path} has --${name} ${settings[name] ?? "unset"}, not ${said}; resume it without that option, or start a new run in another --out.`,
    );
  }
  return { path, settings };
}

const settingsFile = (folder: string): string => join(folder, "run.json");

function parseSettings(path: string, json: string): RunSettings {
  const broken = new UsageError(
    `${settingsFile(path)} is not the settings of a run; start a new run in another --out.`,
  );
  let settings: RunSettings;
  try {
    settings = JSON.parse(json) as RunSettings;
  } catch {
    throw broken;
  }
  if (settings === null || !(settings.preset in presets) || !Number.isSafeInteger(settings.steps)) throw broken;
  return settings;
}
