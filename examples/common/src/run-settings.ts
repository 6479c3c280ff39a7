import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { latestCheckpoint } from "@tessera-lm/trainer/node";
import { writeFileAtomic } from "@tessera-lm/weights/node";
import { UsageError } from "./options.ts";

/** What a run of the main job is made of. It is kept in the run's folder, so that others can go on with the same. */
export interface RunSettings {
  readonly preset: string;
  /** The absolute path of the text; absent for tiny Shakespeare. */
  readonly data?: string;
  readonly textSha256: string;
  readonly steps: number;
  readonly seed: number;
  /** What computed it when it began. */
  readonly backend?: string;
}

/** Whether a folder holds a run. */
export const holdsRun = (folder: string): boolean => existsSync(settingsFile(folder));

export async function writeRunSettings(folder: string, settings: RunSettings): Promise<void> {
  await writeFileAtomic(settingsFile(folder), `${JSON.stringify(settings, null, 2)}\n`);
}

/** @throws UsageError if the folder holds no run, or its settings are damaged */
export async function readRunSettings(folder: string): Promise<RunSettings> {
  if (!holdsRun(folder)) throw new UsageError(`${folder} holds no run; start one: npm start -- --out ${folder}`);
  const settings = parse(await readFile(settingsFile(folder), "utf8"));
  if (isRunSettings(settings)) return settings;
  const last = await latestCheckpoint(join(folder, "checkpoints"));
  const model =
    last === undefined ? "" : ` Its last model is not lost: generate and finetune take it as --model ${last}.`;
  throw new UsageError(
    `${settingsFile(folder)} is damaged, so the run cannot go on; start a new one in another --out.${model}`,
  );
}

const settingsFile = (folder: string): string => join(folder, "run.json");

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // Not JSON, hence not settings either.
  }
}

function isRunSettings(value: unknown): value is RunSettings {
  if (typeof value !== "object" || value === null) return false;
  const { preset, data, textSha256, steps, seed, backend } = value as Partial<Record<keyof RunSettings, unknown>>;
  const strings = [preset, textSha256, data ?? "", backend ?? ""].every((field) => typeof field === "string");
  return strings && [steps, seed].every((field) => Number.isSafeInteger(field));
}
