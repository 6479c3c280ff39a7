import { readFile } from "node:fs/promises";
import { DamagedCheckpointError } from "./checkpoint-errors.ts";
import type { TrainerState } from "./trainer-state.ts";

type Check = readonly [what: string, holds: (value: unknown) => boolean];

const count: Check = ["a whole number of at least 0", (value) => Number.isSafeInteger(value) && Number(value) >= 0];
const integer: Check = ["a whole number", Number.isSafeInteger];
const object: Check = ["an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value)];

const FIELDS: Readonly<Record<keyof TrainerState, Check>> = {
  version: ["1", (value) => value === 1],
  step: count,
  seed: integer,
  tokens: count,
  batches: object,
  evaluations: ["a list of objects", (value) => Array.isArray(value) && value.every((item) => object[1](item))],
  parameters: ["an object of shapes", (value) => object[1](value) && Object.values(value as object).every(isShape)],
};

/** Reads `trainer_state.json` and checks every field. @throws DamagedCheckpointError naming the first that is wrong */
export async function readTrainerState(path: string): Promise<TrainerState> {
  const state = await readJson(path);
  if (!object[1](state)) throw new DamagedCheckpointError(path, "is not a JSON object");
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

function isShape(value: unknown): boolean {
  return Array.isArray(value) && value.every((size) => count[1](size));
}
