import { InvalidArgumentError } from "./errors.ts";
import { GrowingIds } from "./growing-ids.ts";

// What programs without types get wrong, at the doors of the package.

/** @throws InvalidArgumentError for what is no text */
export function requireText(text: unknown): void {
  if (typeof text !== "string") throw new InvalidArgumentError("text", text, "a string");
}

/** @throws InvalidArgumentError for what is no list of texts */
export function requireTexts(texts: unknown): void {
  requireList("texts", texts, "a list of texts; a single one is [text]");
}

/** A string is a list of its letters, too, which nobody means. @throws InvalidArgumentError */
export function requireList(argument: string, list: unknown, expected: string): void {
  if (typeof list === "string" || !(Symbol.iterator in Object(list)))
    throw new InvalidArgumentError(argument, list, expected);
}

/** @throws InvalidArgumentError for what is no list of ids */
export function requireIds(ids: unknown): void {
  requireList("ids", ids, "a list of token ids");
}

/** Room for the ids of texts. @throws InvalidArgumentError */
export function roomForIds(...texts: readonly string[]): GrowingIds {
  for (const text of texts) requireText(text);
  return new GrowingIds(texts.reduce((sum, { length }) => sum + length, 0) >> 1);
}
