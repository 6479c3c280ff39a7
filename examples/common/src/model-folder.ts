import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "./options.ts";
import { lastRunFolder } from "./runs.ts";

/** The model in a folder: the folder itself, or the last checkpoint of a run; without a folder, of the last run. */
export async function findModelFolder(named: string | undefined): Promise<string> {
  const folder = named ?? (await lastRunFolder());
  if (existsSync(join(folder, "config.json"))) return folder;
  const checkpoints = join(folder, "checkpoints");
  const names = await readdir(checkpoints).catch(() => []);
  const last = names
    .filter((name) => /^step-\d+$/.test(name))
    .sort()
    .at(-1);
  if (last !== undefined) return join(checkpoints, last);
  throw new UsageError(
    `${folder} holds no model: neither a config.json nor a run with checkpoints. Train one: npm start`,
  );
}
