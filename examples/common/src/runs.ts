import { existsSync, rmdirSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "@tessera-lm/weights/node";
import { UsageError } from "./options.ts";

/** Where runs go that were not told where. */
const runsFolder = "out";
const runName = /^shakespeare(-\d+)?$/;

/** The first free of out/NAME, out/NAME-2, out/NAME-3, … */
export function nextRunFolder(name = "shakespeare"): string {
  const first = join(runsFolder, name);
  for (let count = 1; ; count++) {
    const folder = count === 1 ? first : `${first}-${count}`;
    if (!existsSync(folder)) return folder;
  }
}

/** What marks a folder that a program has filled. */
const contents = { "run.json": "a run", adapter: "a tuned model", merged: "a tuned model", "config.json": "a model" };

/** @throws UsageError if the folder holds a run or a model, which would be overwritten or mixed with another */
export function requireFree(folder: string): void {
  const held = Object.entries(contents).find(([name]) => existsSync(join(folder, name)));
  if (held !== undefined) throw new UsageError(`${folder} already holds ${held[1]}; choose another --out.`);
}

/** Makes a folder for what a program is about to compute. If that fails and leaves it empty, it goes away at the end. */
export async function takeFolder(folder: string): Promise<void> {
  requireFree(folder);
  if (existsSync(folder)) return;
  await makeFolder(folder);
  process.once("exit", () => removeIfEmpty(folder));
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It holds what was computed.
  }
}

/** The folder of the run that was started last, if there is one. */
export async function lastRunFolder(): Promise<string> {
  const names = await readdir(runsFolder).catch(() => []);
  const folders = names.filter((name) => runName.test(name)).map((name) => join(runsFolder, name));
  const started = (folder: string): number =>
    statSync(join(folder, "run.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return folders.sort((a, b) => started(a) - started(b)).at(-1) ?? join(runsFolder, "shakespeare");
}
