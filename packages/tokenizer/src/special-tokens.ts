import { DisallowedSpecialTokenError, UnknownSpecialTokenError } from "./errors.ts";
import { escapeRegExp } from "./parts.ts";
import type { EncodeOptions, TokenId } from "./tokenizer.ts";

type SpecialTokens = ReadonlyMap<string, TokenId>;
type Names = "all" | readonly string[];

/**
 * Cuts `text` at the special tokens that it is allowed to contain: ordinary stretches as text, the tokens as ids.
 *
 * @throws DisallowedSpecialTokenError, UnknownSpecialTokenError
 */
export function* cutAtSpecialTokens(
  text: string,
  specialTokens: SpecialTokens,
  options: EncodeOptions,
): Generator<string | TokenId> {
  const find = finder(specialTokens, applyPolicy(text, specialTokens, options));
  let start = 0;
  for (const match of find === undefined ? [] : text.matchAll(find)) {
    if (match.index > start) yield text.slice(start, match.index);
    yield specialTokens.get(match[0]) as TokenId;
    start = match.index + match[0].length;
  }
  if (start < text.length) yield text.slice(start);
}

/**
 * The special tokens that the text may contain.
 *
 * @throws UnknownSpecialTokenError if an option names one that there is not
 * @throws DisallowedSpecialTokenError if the text contains one that it must not
 */
export function applyPolicy(text: string, specialTokens: SpecialTokens, options: EncodeOptions): Names {
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
  const names = [...named];
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
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escapeRegExp).join("|"), "gu");
}
