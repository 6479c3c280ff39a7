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

/** The state of a generator that a state holds under `key`. Four zeros are none: it would never leave them. @throws BatchStateError */
export function requireGenerator(state: BatchState, key: string): readonly number[] {
  const words = state[key];
  const fits = Array.isArray(words) && words.length === 4 && words.every((word) => word === (word | 0));
  if (fits && words.some((word) => word !== 0)) return words;
  throw new BatchStateError(key, words, "four 32-bit integers that are not all 0");
}
