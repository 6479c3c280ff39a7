import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "@tessera-examples/common";

/**
 * Keeps a run's folder for this process until it ends, so that no two runs write into it at once.
 * @throws UsageError if another process that is still alive has it
 */
export function lockFolder(folder: string): void {
  const lock = join(folder, "run.lock");
  const owner = ownerOf(lock);
  if (owner !== undefined && isAlive(owner)) {
    throw new UsageError(`${folder} is in use by process ${owner}; wait for it, or choose another --out.`);
  }
  if (owner !== undefined) rmSync(lock, { force: true }); // It was killed.
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new UsageError(`${folder} has just been taken by another process; choose another --out.`);
  }
  process.once("exit", () => rmSync(lock, { force: true }));
}

function ownerOf(lock: string): number | undefined {
  try {
    return Number(readFileSync(lock, "utf8"));
  } catch {
    return undefined; // Nobody has locked it.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // Alive, but somebody else's.
  }
}
