import type { Activation, RopeScaling } from "@tessera-lm/layers";
import { ConfigError } from "./errors.ts";
import { shown } from "./shown.ts";

/** Checks the fields of one kind of configuration. */
export interface ConfigCheck {
  /** @throws {ConfigError} naming the field, its value and what it may be, unless it `holds` */
  (holds: boolean, field: string, value: unknown, expected: string): void;
}

export const configCheck =
  (kind: string): ConfigCheck =>
  (holds, field, value, expected) => {
    if (!holds) throw new ConfigError(`${kind}: ${field} is ${shown(value)}; it must be ${expected}.`);
  };

/** @throws {ConfigError} for what is no object, which JavaScript lets through */
export function checkIsConfig(kind: string, config: unknown): void {
  if (typeof config === "object" && config !== null) return;
  throw new ConfigError(
    `${kind}: the configuration is ${shown(config)}; it must be an object such as { vocabSize: 65, … }.`,
  );
}

export function checkCounts(check: ConfigCheck, counts: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(counts)) {
    check(Number.isSafeInteger(value) && Number(value) > 0, field, value, "a positive whole number");
  }
}

export function checkOneOf(check: ConfigCheck, field: string, value: unknown, allowed: readonly string[]): void {
  check(allowed.includes(value as string), field, value, allowed.map((each) => JSON.stringify(each)).join(" or "));
}

export function checkFlags(check: ConfigCheck, flags: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(flags)) check(typeof value === "boolean", field, value, "true or false");
}

export function checkPositive(check: ConfigCheck, numbers: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(numbers)) check(isPositive(value), field, value, "a positive number");
}

export function checkDropout(check: ConfigCheck, dropout: unknown): void {
  check(typeof dropout === "number" && dropout >= 0 && dropout < 1, "dropout", dropout, "at least 0 and below 1");
}

export function checkToken(check: ConfigCheck, field: string, token: unknown, vocabSize: number): void {
  const isToken = Number.isInteger(token) && Number(token) >= 0 && Number(token) < vocabSize;
  check(token === undefined || isToken, field, token, `a token below vocabSize, which is ${vocabSize}`);
}

/** One token or several. */
export function checkTokens(check: ConfigCheck, field: string, tokens: unknown, vocabSize: number): void {
  for (const token of [tokens].flat()) checkToken(check, field, token, vocabSize);
}

export function checkRopeScaling(check: ConfigCheck, scaling: RopeScaling | undefined, headWidth: number): void {
  if (scaling === undefined) return;
  checkOneOf(check, "ropeScaling.type", scaling.type, ["linear", "llama3", "yarn", "factors"]);
  if (scaling.type === "factors") return checkFactors(check, scaling.factors, headWidth / 2);
  for (const [field, value] of Object.entries(scaling)) {
    if (field !== "type" && value !== undefined)
      check(isPositive(value), `ropeScaling.${field}`, value, "a positive number");
  }
  check(isPositive(scaling.factor), "ropeScaling.factor", scaling.factor, "a positive number");
  if (scaling.type === "linear") return;
  checkCounts(check, { "ropeScaling.originalContextLength": scaling.originalContextLength });
  if (scaling.type === "yarn") return;
  const { lowFrequencyFactor: low, highFrequencyFactor: high } = scaling;
  const isRange = isPositive(low) && isPositive(high) && low < high;
  check(
    isRange,
    "ropeScaling.lowFrequencyFactor",
    low,
    `a positive number below highFrequencyFactor, which is ${high}`,
  );
}

function checkFactors(check: ConfigCheck, factors: unknown, count: number): void {
  const areFactors = Array.isArray(factors) && factors.length === count && factors.every(isPositive);
  check(areFactors, "ropeScaling.factors", factors, `${count} positive numbers, one for each pair of a head`);
}

export const ACTIVATIONS: readonly Activation[] = ["gelu-tanh", "gelu", "relu", "silu"];

function isPositive(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value < Infinity;
}
