import { readdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { ReadError } from "@tessera-lm/weights";
import { removeLeftovers } from "@tessera-lm/weights/node";

const CHECKPOINT = /^step-(\d{6,})$/;
const DISCARDED = /^\.discarded-step-\d+$/;

/** `step-000020`: names sort as their steps do, up to a million. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(6, "0")}`;
}

/** Every checkpoint of a folder, the oldest step first; none where the folder is missing. */
export async function listCheckpoints(folder: string): Promise<{ step: number; path: string }[]> {
  return (await namesIn(folder))
    .filter((name) => CHECKPOINT.test(name))
    .map((name) => ({ step: Number(CHECKPOINT.exec(name)?.[1]), path: join(folder, name) }))
    .sort((a, b) => a.step - b.step);
}

/**
 * The path of the checkpoint of the last step in a folder, if there is one. It reads the names and changes nothing, so
 * that it may look at a run that is still going on.
 * @throws ReadError
 */
export async function latestCheckpoint(folder: string): Promise<string | undefined> {
  return (await listCheckpoints(folder)).at(-1)?.path;
}

/** Removes a checkpoint. It stops being one at once, so that a kill leaves no half checkpoint behind. */
export async function discardCheckpoint(folder: string, path: string): Promise<void> {
  const discarded = join(folder, `.discarded-${basename(path)}`);
  await rm(discarded, { recursive: true, force: true });
  await rename(path, discarded);
  await rm(discarded, { recursive: true, force: true });
}

/** Cleans the folder, where there is one, of what killed processes left. */
export async function cleanFolder(folder: string): Promise<void> {
  const names = await namesIn(folder);
  if (names.length === 0) return;
  await removeLeftovers(folder);
  for (const name of names.filter((name) => DISCARDED.test(name))) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return []; // a save will say so
    throw new ReadError(folder, message, { cause: error });
  }
}
