import { SENTENCE_PIECE } from "../sentence-piece.ts";
import { splitPatterns } from "../split/split-patterns.ts";
import type { Tokenizer } from "../tokenizer.ts";

/** Places where a text can be cut so that its parts have the tokens of the whole, whatever stands around them. */
export interface Borders {
  /** Between any visible character and a space. */
  readonly beforeSpace: boolean;
  /** After a single line feed between a visible character and a letter or digit. */
  readonly afterLineFeed: boolean;
  /** Texts that no cut may go through: added tokens that contain spaces, or take those beside them. */
  readonly unbroken: readonly string[];
}

/**
 * Where words certainly end for a tokenizer. All pre-tokenizers known here begin a new piece at a space, and none looks
 * over it: back, or from a visible character forward. Where nothing cuts the text into pieces, no token may reach over
 * the place.
 *
 * @param file what the tokenizer's `tokenizer.json` holds
 */
export function findBorders(tokenizer: Tokenizer, file: TokenizerFile): Borders {
  const unbroken = (file.added_tokens ?? []).flatMap(withSpaces);
  return { ...wordBorders(tokenizer, file), unbroken };
}

function wordBorders(tokenizer: Tokenizer, file: TokenizerFile): Omit<Borders, "unbroken"> {
  const preTokenizers = parts(file.pre_tokenizer);
  if (!parts(file.normalizer).every(isLocal) || roundsSums(file.model)) return noBorders;
  if (preTokenizers.some(cutsAtSpaces)) return { beforeSpace: true, afterLineFeed: true };
  if (!preTokenizers.every(cutsNothing)) return noBorders;
  return {
    beforeSpace: !someToken(tokenizer, /[^\s▁Ġ][ ▁Ġ]/u),
    afterLineFeed: !someToken(tokenizer, /[\nĊ]./su),
  };
}

const noBorders = { beforeSpace: false, afterLineFeed: false };

/** The parts of a `tokenizer.json` that matter here. */
export interface TokenizerFile {
  readonly model?: Part | null;
  readonly normalizer?: Part | null;
  readonly pre_tokenizer?: Part | null;
  readonly added_tokens?: readonly AddedToken[];
}

interface AddedToken {
  readonly content: string;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

function withSpaces({ content, lstrip, rstrip }: AddedToken): string[] {
  const names = [/\S[ \n]/.test(content) ? content : "", lstrip ? `\n${content}` : "", rstrip ? `${content} ` : ""];
  return names.filter((name) => name !== "");
}

/** A normaliser or pre-tokeniser of `tokenizer.json`. */
interface Part {
  readonly type?: string;
  readonly normalizers?: readonly Part[];
  readonly pretokenizers?: readonly Part[];
  readonly pattern?: { readonly Regex?: string; readonly String?: string };
  readonly use_regex?: boolean;
  readonly [SENTENCE_PIECE]?: object;
}

function parts(part: Part | null | undefined): readonly Part[] {
  if (part == null) return [];
  return (part.normalizers ?? part.pretokenizers)?.flatMap(parts) ?? [part];
}

/** Whether all that stands before a word has a say in it: a sum of 32 bits is rounded as its size wants it. */
function roundsSums(model: Part | null | undefined): boolean {
  return model?.type === "Unigram" && model[SENTENCE_PIECE] !== undefined;
}

/** Whether what a normaliser makes of a word does not depend on the words around it. */
function isLocal({ type, pattern }: Part): boolean {
  if (type === "Replace") return localReplacements.has(pattern?.String ?? pattern?.Regex ?? "");
  return localNormalizers.has(type ?? "");
}

/** Spaces one by one, runs of them, and those at the ends. */
const localReplacements: ReadonlySet<string> = new Set([" ", " +", " {2,}", "^ +| +$", "\\A +| +\\z"]);

const localNormalizers: ReadonlySet<string> = new Set([
  ...["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "BertNormalizer", "Precompiled"],
  ...["Prepend", "Strip"], // at the ends of the text: see the anchor in file-parts.ts
]);

function cutsAtSpaces({ type, pattern, use_regex: usesPattern = true }: Part): boolean {
  if (type === "ByteLevel") return usesPattern;
  if (type === "Split") return knownPatterns.has(pattern?.Regex ?? "");
  return type === "BertPreTokenizer" || type === "WhitespaceSplit" || type === "Whitespace";
}

const knownPatterns: ReadonlySet<string> = new Set(Object.values(splitPatterns));

function cutsNothing({ type, use_regex: usesPattern = true }: Part): boolean {
  return type === "Metaspace" || (type === "ByteLevel" && !usesPattern);
}

function someToken(tokenizer: Tokenizer, pattern: RegExp): boolean {
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    if (pattern.test(tokenizer.token(id) ?? "")) return true;
  }
  return false;
}
