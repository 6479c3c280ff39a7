import { requireList, requireText } from "./arguments.ts";
import { DisallowedSpecialTokenError, UnknownSpecialTokenError } from "./errors.ts";
import { escapeRegExp } from "./parts.ts";
import type { EncodeOptions, TokenId } from "./tokenizer.ts";

type SpecialTokens = ReadonlyMap<string, TokenId>;
type Names = "all" | readonly string[];

/** How a text is cut of which a part comes from people who may not use special tokens. */
export interface CutOptions extends EncodeOptions {
  /**
   * A character that stands in or before names that are ordinary text all the same. It is taken out once the special
   * tokens have been found.
   */
  readonly mark?: string;
}

/**
 * Cuts `text` at the special tokens that it is allowed to contain: ordinary stretches as text, the tokens as ids.
 *
 * @throws DisallowedSpecialTokenError, UnknownSpecialTokenError
 */
export function* cutAtSpecialTokens(
  text: string,
  specialTokens: SpecialTokens,
  options: CutOptions,
): Generator<string | TokenId> {
  const { mark = "" } = options;
  const find = finder(specialTokens, applyPolicy(text, specialTokens, options));
  let start = 0;
  for (const match of find === undefined ? [] : text.matchAll(find)) {
    if (isMarked(text, match.index, mark)) continue;
    const before = withoutMark(text.slice(start, match.index), mark);
    if (before !== "") yield before;
    yield specialTokens.get(match[0]) as TokenId;
    start = match.index + match[0].length;
  }
  const rest = withoutMark(text.slice(start), mark);
  if (rest !== "") yield rest;
}

/** Whether the mark stands before the place `index`. */
export function isMarked(text: string, index: number, mark: string): boolean {
  return mark !== "" && text.endsWith(mark, index);
}

export function withoutMark(text: string, mark: string): string {
  return mark === "" ? text : text.replaceAll(mark, "");
}

/**
 * The special tokens that the text may contain.
 *
 * @throws InvalidArgumentError for what is no text
 * @throws UnknownSpecialTokenError if an option names one that there is not
 * @throws DisallowedSpecialTokenError if the text contains one that it must not
 */
export function applyPolicy(text: string, specialTokens: SpecialTokens, options: EncodeOptions): Names {
  requireText(text);
  const allowed = knownNames(specialTokens, options.allowedSpecial);
  let disallowed = knownNames(specialTokens, options.disallowedSpecial);
  if (disallowed === "all" && allowed.length > 0) disallowed = allBut(allowed, specialTokens);
  const match = finder(specialTokens, disallowed)?.exec(text);
  if (match) throw new DisallowedSpecialTokenError(match[0], match.index);
  return allowed;
}

/** The ids that are not those of special tokens. */
export function* withoutSpecialTokens(ids: Iterable<TokenId>, specialTokens: SpecialTokens): Generator<TokenId> {
  const special = new Set(specialTokens.values());
  for (const id of ids) if (!special.has(id)) yield id;
}

function knownNames(specialTokens: SpecialTokens, named: "all" | Iterable<string> = []): Names {
  if (named === "all") return "all";
  const list = typeof named === "string" ? [named] : named;
  requireList("special", list, "a list of names");
  const names = [...list];
  for (const name of names) {
    if (!specialTokens.has(name)) throw new UnknownSpecialTokenError(name, specialTokens.keys());
  }
  return names;
}

function allBut(allowed: Names, specialTokens: SpecialTokens): Names {
  return allowed === "all" ? [] : [...specialTokens.keys()].filter((name) => !allowed.includes(name));
}

/** Finds the leftmost name, and the longest of those that begin there; undefined if there are no names. */
function finder(specialTokens: SpecialTokens, names: Names): RegExp | undefined {
  if (names.length === 0 || specialTokens.size === 0) return undefined;
  if (names !== "all") return compile(names);
  const known = findersOfAll.get(specialTokens) ?? compile([...specialTokens.keys()]);
  findersOfAll.set(specialTokens, known);
  known.lastIndex = 0;
  return known;
}

/** Some vocabularies have hundreds of special tokens: too many to compile for each short text. */
const findersOfAll = new WeakMap<SpecialTokens, RegExp>();

function compile(names: readonly string[]): RegExp {
  return new RegExp(anyOf(names), "gu");
}

/** The source of a regular expression that finds the longest name. */
export function anyOf(names: readonly string[]): string {
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  return longestFirst.map(escapeRegExp).join("|");
}
