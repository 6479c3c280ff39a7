import { MalformedTokenizerError } from "./errors.ts";
import { asArray, asId, asObject, asString, type JsonObject } from "./formats/json.ts";
import type { TokenId } from "./tokenizer.ts";

/**
 * What the parts of a SentencePiece `.model` know beyond a `tokenizer.json`. Where its own rules and those of Hugging
 * Face's tokenizers differ, parts that have this option follow the former. It goes along to worker threads, and is left
 * out of saved files, which others read.
 */
export const SENTENCE_PIECE = "sentence_piece";

/** How SentencePiece puts spaces into a text, which decides what it takes out again. */
export interface SpaceRules {
  readonly add_dummy_prefix: boolean;
  readonly remove_extra_whitespaces: boolean;
}

/** What the normalizer knows: pieces that it leaves as they are. */
export interface NormalizerRules extends SpaceRules {
  readonly user_defined: readonly string[];
}

/** What a model knows. */
export interface ModelRules {
  /** Tokens that are always found. */
  readonly user_defined: readonly TokenId[];
  /** Tokens of Unigram that text cannot become. */
  readonly absent?: readonly TokenId[];
  /** The rank of each merge of BPE: ways to make the same piece are equals. */
  readonly ranks?: readonly number[];
}

/** What the decoder knows: how the unknown token is shown, and whether tokens such as `<0x41>` are bytes. */
export interface DecoderRules extends SpaceRules {
  readonly byte_fallback: boolean;
  readonly unk_piece: string;
  readonly unk_surface: string;
}

/** The option of a part; undefined where it has none. @throws MalformedTokenizerError if it is no object */
export function sentencePieceRules(part: JsonObject, place: string): JsonObject | undefined {
  return part[SENTENCE_PIECE] == null ? undefined : asObject(part[SENTENCE_PIECE], `${place}.${SENTENCE_PIECE}`);
}

/** A list of whole numbers among the rules, empty where there is none. @throws MalformedTokenizerError */
export function idsIn(rules: JsonObject | undefined, name: keyof ModelRules, place: string): number[] {
  const where = `${place}.${SENTENCE_PIECE}.${name}`;
  return asArray(rules?.[name] ?? [], where).map((id) => asId(id, where));
}

/** A list of texts among the rules. @throws MalformedTokenizerError */
export function textsIn(rules: JsonObject, name: keyof NormalizerRules, place: string): string[] {
  const where = `${place}.${SENTENCE_PIECE}.${name}`;
  return asArray(rules[name], where).map((text) => asString(text, where));
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
