import { DataOptionError } from "./errors.ts";

/** Throws DataOptionError unless every option is a whole number ≥ 1. */
export function requirePositive(options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!Number.isSafeInteger(value) || value < 1) throw new DataOptionError(name, value, "a whole number ≥ 1");
  }
}

/** Throws DataOptionError unless the seed is a whole number. */
export function requireSeed(name: string, seed: number): void {
  if (!Number.isSafeInteger(seed)) throw new DataOptionError(name, seed, "a whole number");
}

/** Throws DataOptionError unless `value` lies between 0 and 1. */
export function requireShare(option: string, value: number): void {
  if (!(value > 0 && value < 1)) throw new DataOptionError(option, value, "above 0 and below 1");
}
