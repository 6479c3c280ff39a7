import { MalformedTokenizerError } from "./errors.ts";
import { asArray, asId, asObject, type JsonObject } from "./formats/json.ts";
import type { TokenId } from "./tokenizer.ts";

/**
 * What parts of a SentencePiece `.model` know beyond a `tokenizer.json`. Where its own rules and those of Hugging Face's
 * tokenizers differ in rare cases, parts that have it, as their option {@link SENTENCE_PIECE}, follow the former.
 */
export interface SentencePieceRules {
  /** Tokens of Unigram that text cannot become. */
  readonly absent?: readonly TokenId[];
  /** The rank of each merge: ways to make the same piece are equals. */
  readonly ranks?: readonly number[];
}

/** The option's name. It goes along to worker threads, and is left out of saved files, which others read. */
export const SENTENCE_PIECE = "sentence_piece";

/** @throws MalformedTokenizerError if the option is not as it must be */
export function sentencePieceRules(part: JsonObject, place: string): SentencePieceRules | undefined {
  if (part[SENTENCE_PIECE] == null) return undefined;
  const where = `${place}.${SENTENCE_PIECE}`;
  const { absent, ranks } = asObject(part[SENTENCE_PIECE], where);
  const numbers = (value: unknown, name: string): { readonly [key: string]: readonly number[] } =>
    value === undefined ? {} : { [name]: asArray(value, `${where}.${name}`).map((id) => asId(id, `${where}.${name}`)) };
  return { ...numbers(absent, "absent"), ...numbers(ranks, "ranks") };
}

/** A rank for each merge, none after its place in the list. @throws MalformedTokenizerError */
export function requireRanks(ranks: readonly number[], numMerges: number, place: string): void {
  const isRight = ranks.length === numMerges && ranks.every((rank, index) => rank <= index);
  if (isRight) return;
  throw new MalformedTokenizerError(
    `${place}.${SENTENCE_PIECE}.ranks`,
    "expected one for each merge, up to its place.",
  );
}
