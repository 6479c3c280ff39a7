import type { BatchState } from "./batch.ts";
import { BatchStateError } from "./errors.ts";

/** Throws BatchStateError unless `state` carries exactly these settings: batches go on only as they began. */
export function requireSettings(state: BatchState, settings: BatchState): void {
  for (const [key, value] of Object.entries(settings)) {
    if (state[key] !== value) throw new BatchStateError(key, state[key], JSON.stringify(value));
  }
}

/** The whole number from 0 to `limit` − 1 that a state holds under `key`. @throws BatchStateError */
export function requireCount(state: BatchState, key: string, limit: number = Number.MAX_SAFE_INTEGER): number {
  const value = state[key];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value < limit) return value;
  throw new BatchStateError(key, value, `a whole number from 0 to ${limit - 1}`);
}
