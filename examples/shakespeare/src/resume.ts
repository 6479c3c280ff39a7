import { readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { UsageError } from "@tessera-examples/common";
import type { Checkpoint } from "@tessera-lm/trainer";
import type { Checkpoints } from "@tessera-lm/trainer/node";

/**
 * The last checkpoint of a run; none if it has none yet.
 * @throws UsageError if it cannot be read, with a way to go on from an older one
 */
export async function loadLatest(store: Checkpoints): Promise<Checkpoint | undefined> {
  const latest = await store.latest();
  if (latest === undefined) return undefined;
  try {
    return await store.load(latest);
  } catch (error) {
    if (!(error instanceof Error && "isTesseraError" in error)) throw error;
    throw new UsageError(`${error.message} ${await wayOut(latest)}`, { cause: error });
  }
}

async function wayOut(damaged: string): Promise<string> {
  const names = await readdir(dirname(damaged));
  const older = names.filter((name) => /^step-\d+$/.test(name) && name !== basename(damaged)).sort();
  return older.length === 0
    ? "There is no older one: start a new run in another --out."
    : `Remove the folder ${damaged}, and --resume goes on from ${older.at(-1)}.`;
}

/** @throws UsageError if the run is past the step that it shall stop after */
export function requireStepAhead(stopAfter: number | undefined, resume: Checkpoint | undefined): void {
  const { step } = resume?.state ?? { step: 0 };
  if (stopAfter === undefined || stopAfter >= step) return;
  throw new UsageError(`The run is at step ${step} already: it cannot --stop-after ${stopAfter}.`);
}
