import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { closestMatch } from "leven";

/** The options do not fit together, or do not fit what is on disk. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly isTesseraError = true;
}

/** A command whose mistakes are told in one line, with a suggestion where a name is nearly right. */
export const createCommand = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: (message, write) => write(`${message.trim().replace(/\s*\n\s*/g, " ")}\n`) });

/** A parser for an option that takes one of a few words; a wrong one is answered with the nearest right one. */
export function choice<Name extends string>(names: readonly Name[]): (value: string) => Name {
  return (value) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    const near = closestMatch(value, names, { maxDistance: Math.min(3, Math.ceil(value.length / 2)) });
    const hint = near === undefined ? "" : ` Did you mean ${near}?`;
    throw new InvalidArgumentError(`Choose one of ${names.join(", ")}.${hint}`);
  };
}

/** A parser for the path of a file or folder, relative to where the user is: npm runs scripts somewhere else. */
export function path(value: string): string {
  if (value === "") throw new InvalidArgumentError("It must name a file or folder.");
  const from = process.env["INIT_CWD"];
  return from === undefined || from === process.cwd() ? value : resolve(from, value);
}

/** A parser for a whole number of at least 1. */
export const positiveInteger = (value: string): number => wholeNumber(value, 1);

/** A parser for a whole number of at least 0. */
export const nonNegativeInteger = (value: string): number => wholeNumber(value, 0);

/** A parser for a number of at least 0. */
export function nonNegativeNumber(value: string): number {
  const number = Number(value);
  if (value.trim() !== "" && number >= 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("It must be a number of at least 0.");
}

/** A parser for a number above 0. */
export function positiveNumber(value: string): number {
  const number = Number(value);
  if (number > 0 && Number.isFinite(number)) return number;
  throw new InvalidArgumentError("It must be a number above 0.");
}

/** A parser for a number above 0 and at most 1. */
export function share(value: string): number {
  const number = Number(value);
  if (number > 0 && number <= 1) return number;
  throw new InvalidArgumentError("It must be a number above 0 and at most 1.");
}

function wholeNumber(value: string, least: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= least && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
}
