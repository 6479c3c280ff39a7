import { ConfigError } from "../errors.ts";
import { shown } from "../shown.ts";
import type { Json } from "./family.ts";

interface TokenIds {
  readonly beginOfText?: number;
  readonly endOfText?: number | readonly number[];
}

/** `bos_token_id` and `eos_token_id`. Null where there is none: without the fields transformers takes its defaults. */
export function writeTokenIds({
  beginOfText = null,
  endOfText = null,
}: { [K in keyof TokenIds]: TokenIds[K] | null }): Json {
  return { bos_token_id: beginOfText, eos_token_id: endOfText };
}

/** Those that the vocabulary has: small models are often saved with the default ids of large ones, or with −1. */
export function readTokenIds({ bos_token_id: begin, eos_token_id: end, vocab_size: vocabSize }: Json): TokenIds {
  const isToken = (token: unknown): token is number =>
    Number.isInteger(token) && Number(token) >= 0 && Number(token) < Number(vocabSize);
  const ends = [end].flat().filter(isToken);
  return {
    ...(isToken(begin) && { beginOfText: begin }),
    ...(ends.length > 0 && { endOfText: Array.isArray(end) ? ends : ends[0] }),
  };
}

/** @throws {ConfigError} for `bos_token_id` or `eos_token_id` that is neither null nor a whole number nor a list of them */
export function requireTokenIds(fields: Json, file: string): void {
  for (const field of ["bos_token_id", "eos_token_id"]) {
    const value = fields[field] ?? [];
    if ([value].flat().every((id) => Number.isInteger(id))) continue;
    throw new ConfigError(
      `${file}: ${field} is ${shown(value)}; it must be the number of a token, a list of them, or null.`,
    );
  }
}
