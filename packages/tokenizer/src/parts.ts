import { MalformedTokenizerError, UnsupportedTokenizerError } from "./errors.ts";
import { asArray, asObject, asString, type JsonObject } from "./formats/json.ts";
import { compilePattern } from "./split/compile-pattern.ts";

/** One stage of a tokenizer, with its options as a `tokenizer.json` spells them: `{ "type": "Lowercase" }`. */
export interface Part {
  readonly type: string;
  readonly [option: string]: unknown;
}

type Maker<T> = (part: JsonObject, place: string) => T;

/**
 * Makes what a part of a `tokenizer.json` describes; undefined where there is none.
 *
 * @param place what errors call it: the role, such as `decoder`, and the way there
 * @throws UnsupportedTokenizerError for a type that `makers` lacks
 */
export function makePart<T>(makers: Readonly<Record<string, Maker<T>>>, part: unknown, place: string): T | undefined {
  if (part == null) return undefined;
  const object = asObject(part, place);
  const type = asString(object.type, `${place}.type`);
  const make = Object.hasOwn(makers, type) ? makers[type] : undefined;
  if (make === undefined) {
    const known = Object.keys(makers).join(", ");
    throw new UnsupportedTokenizerError(`${place} ${JSON.stringify(type).slice(0, 80)}`, `known are ${known}.`);
  }
  return make(object, place);
}

/** How deep parts may lie in each other; a file that goes deeper is damaged. */
const DEEPEST = 16;

/** The parts of a `Sequence`, made. */
export function makeParts<T>(
  make: (part: unknown, place: string) => T | undefined,
  parts: unknown,
  place: string,
): T[] {
  if (place.split("[").length > DEEPEST) throw new MalformedTokenizerError(place.slice(0, 60), "it lies too deep.");
  return asArray(parts, place).flatMap((part, index) => make(part, `${place}[${index}]`) ?? []);
}

/** `{ "String": … }` or `{ "Regex": … }` → a global regular expression. */
export function readPattern(value: unknown, place: string): RegExp {
  const { String: text, Regex: pattern } = asObject(value, place);
  if (pattern !== undefined) return new RegExp(compilePattern(asString(pattern, `${place}.Regex`)).source, "gu");
  const escaped = escapeRegExp(asString(text, `${place}.String`));
  return new RegExp(escaped || "(?!)", "gu");
}

/** What Rust's regular expressions take for a word (`\w`), within a class. */
export const wordCharacters: string = String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200c\u200d`;

export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
