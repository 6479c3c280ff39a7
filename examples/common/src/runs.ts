import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

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

/** The folder of the run that was started last, if there is one. */
export async function lastRunFolder(): Promise<string> {
  const names = await readdir(runsFolder).catch(() => []);
  const folders = names.filter((name) => runName.test(name)).map((name) => join(runsFolder, name));
  const started = (folder: string): number =>
    statSync(join(folder, "run.json"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return folders.sort((a, b) => started(a) - started(b)).at(-1) ?? join(runsFolder, "shakespeare");
}
