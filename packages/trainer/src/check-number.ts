import { InvalidOptionError } from "./errors.ts";

/** @throws InvalidOptionError */
function check(option: string, value: number, holds: boolean, expected: string): void {
  if (!holds) throw new InvalidOptionError(option, value, expected);
}

/** @throws InvalidOptionError */
export function checkCount(option: string, value: number, least: 0 | 1): void {
  check(option, value, Number.isSafeInteger(value) && value >= least, `a whole number of at least ${least}`);
}

/** @throws InvalidOptionError */
export function checkNotNegative(option: string, value: number): void {
  check(option, value, Number.isFinite(value) && value >= 0, "a finite number of at least 0");
}

/** @throws InvalidOptionError */
export function checkPositive(option: string, value: number): void {
  check(option, value, Number.isFinite(value) && value > 0, "a finite number above 0");
}

/** @throws InvalidOptionError */
export function checkShare(option: string, value: number): void {
  check(option, value, Number.isFinite(value) && value >= 0 && value < 1, "a number of at least 0 and below 1");
}
