import type { Merge } from "../byte-pair/merges.ts";
import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";

/** A JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses a text that must be a JSON object. `place` names it in errors. */
export function parseJson(text: string, place: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MalformedTokenizerError(place, `it is not JSON, or cut short: ${(cause as Error).message}.`, { cause });
  }
  return asObject(value, place);
}

export function asObject(value: unknown, place: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw wrongType(place, "an object", value);
}

export function asArray(value: unknown, place: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrongType(place, "an array", value);
}

export function asString(value: unknown, place: string): string {
  if (typeof value === "string") return value;
  throw wrongType(place, "a string", value);
}

/** A switch of a part; `fallback` where the file says nothing. */
export function asBoolean(part: JsonObject, name: string, place: string, fallback: boolean): boolean {
  const value = part[name] ?? fallback;
  if (typeof value === "boolean") return value;
  throw wrongType(`${place}.${name}`, "true or false", value);
}

export function asId(value: unknown, place: string): TokenId {
  if (isId(value)) return value;
  throw wrongType(place, "an id (a whole number from 0)", value);
}

function isId(value: unknown): value is TokenId {
  return Number.isInteger(value) && (value as number) >= 0;
}

/** A vocabulary object: token → id. */
export function readVocabulary(value: unknown, place: string): Map<string, TokenId> {
  const object = asObject(value, place);
  const vocabulary = new Map<string, TokenId>();
  for (const token of Object.keys(object)) {
    const id = object[token];
    // Only a wrong one is worth the words that name it.
    vocabulary.set(token, isId(id) ? id : asId(id, `${place}, token ${JSON.stringify(token)}`));
  }
  return vocabulary;
}

/** The id of a token that a file names. @throws MalformedTokenizerError if the vocabulary lacks it */
export function asToken(value: unknown, vocabulary: ReadonlyMap<string, TokenId>, place: string): TokenId {
  const token = asString(value, place);
  const id = vocabulary.get(token);
  if (id !== undefined) return id;
  throw new MalformedTokenizerError(place, `token ${JSON.stringify(token)} is not in the vocabulary.`);
}

/** Merges: `"a b"` in old files, `["a", "b"]` in new ones. */
export function readMerges(value: unknown, place: string): Merge[] {
  return asArray(value, place).map((entry, index) => {
    const [left, right, ...rest] = typeof entry === "string" ? entry.split(" ") : asArray(entry, `${place}[${index}]`);
    if (left && right && rest.length === 0 && typeof left === "string" && typeof right === "string")
      return [left, right];
    throw new MalformedTokenizerError(`${place}[${index}]`, `expected two tokens, found ${JSON.stringify(entry)}.`);
  });
}

function wrongType(place: string, expected: string, found: unknown): MalformedTokenizerError {
  const shown = found === undefined ? "nothing" : JSON.stringify(found).slice(0, 60);
  return new MalformedTokenizerError(place, `expected ${expected}, found ${shown}.`);
}
