import { randomBytes } from "node:crypto";
import { access, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

// While NAME is written, its folder holds `.NAME.tessera-PID-RANDOM.new`; while an old folder NAME is being replaced,
// also `.NAME.tessera-PID-RANDOM.old`. The process number tells what a killed process left from what is in use.
const LEFTOVER = /^\.(.+)\.tessera-(\d+)-([0-9a-f]{12})\.(new|old)$/;

/** What this process is writing at the moment. */
const inUse = new Set<string>();

/** Runs `use` with two unused sibling names of `target`; what it leaves under the first is removed afterwards. */
export async function withTemporary(
  target: string,
  use: (fresh: string, aside: string) => Promise<void>,
): Promise<void> {
  const tag = `${process.pid}-${randomBytes(6).toString("hex")}`;
  const name = join(dirname(target), `.${basename(target)}.tessera-${tag}`);
  inUse.add(tag);
  try {
    await use(`${name}.new`, `${name}.old`);
  } finally {
    await rm(`${name}.new`, { recursive: true, force: true });
    inUse.delete(tag);
  }
}

/**
 * Cleans `parent` of what killed processes left while they wrote into it with `writeFileAtomic` or
 * `writeFolderAtomic`, and puts back a folder whose replacement was cut in the middle. What a living process writes is
 * left alone; a folder on a network disk should be cleaned only while no other machine writes there.
 * @returns the names that were removed or put back
 */
export async function removeLeftovers(parent: string): Promise<string[]> {
  const names = (await readdir(parent)).filter(isLeftover);
  // The old folders first: a target that is missing is one that was moved aside and not yet replaced.
  for (const name of names.filter((name) => name.endsWith(".old"))) await putBack(parent, name);
  for (const name of names) await rm(join(parent, name), { recursive: true, force: true });
  return names;
}

async function putBack(parent: string, name: string): Promise<void> {
  const target = join(parent, LEFTOVER.exec(name)?.[1] ?? name);
  const missing = await access(target).then(
    () => false,
    () => true,
  );
  if (missing) await rename(join(parent, name), target);
}

function isLeftover(name: string): boolean {
  const [, , pid, random] = LEFTOVER.exec(name) ?? [];
  if (pid === undefined) return false;
  return Number(pid) === process.pid ? !inUse.has(`${pid}-${random}`) : !isAlive(Number(pid));
}

/** Whether a process of this machine runs. */
export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // alive, but somebody else's
  }
}
