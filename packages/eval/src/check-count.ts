import { EvaluationOptionError } from "./errors.ts";

/** @throws EvaluationOptionError unless `value` is a whole number from 1 to `most`. Without `most`, Infinity will do. */
export function checkCount(option: string, value: number, most: number = Number.POSITIVE_INFINITY): void {
  const whole = Number.isInteger(value) || value === Number.POSITIVE_INFINITY;
  if (whole && value >= 1 && value <= most) return;
  const range = most === Number.POSITIVE_INFINITY ? "of at least 1" : `between 1 and ${most}`;
  throw new EvaluationOptionError(option, value, `a whole number ${range}`);
}
