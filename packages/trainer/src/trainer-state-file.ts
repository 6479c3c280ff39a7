import { readFile } from "node:fs/promises";
import { DamagedCheckpointError } from "./checkpoint-errors.ts";
import type { TrainerState } from "./trainer-state.ts";

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isShape = (value: unknown): boolean => Array.isArray(value) && value.every(isCount);

const FIELDS: Readonly<Record<keyof TrainerState, readonly [expected: string, holds: (value: unknown) => boolean]>> = {
  version: ["1", (value) => value === 1],
  step: ["a whole number of at least 0", isCount],
  seed: ["a whole number", Number.isSafeInteger],
  tokens: ["a whole number of at least 0", isCount],
  batches: ["an object", isObject],
  evaluations: ["a list of objects", (value) => Array.isArray(value) && value.every(isObject)],
  parameters: ["an object of shapes", (value) => isObject(value) && Object.values(value).every(isShape)],
};

/** Reads `trainer_state.json` and checks every field. @throws DamagedCheckpointError naming the first that is wrong */
export async function readTrainerState(path: string): Promise<TrainerState> {
  const state = await readJson(path);
  if (!isObject(state)) throw new DamagedCheckpointError(path, "is not a JSON object");
  const fields = state as Record<string, unknown>;
  for (const [field, [expected, holds]] of Object.entries(FIELDS)) {
    if (holds(fields[field])) continue;
    throw new DamagedCheckpointError(path, `${field} is ${JSON.stringify(fields[field])}; expected ${expected}`);
  }
  return state as TrainerState;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new DamagedCheckpointError(path, (cause as Error).message, { cause });
  }
}
