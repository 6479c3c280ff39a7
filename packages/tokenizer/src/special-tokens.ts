import { UnknownSpecialTokenError } from "./errors.ts";
import type { EncodeOptions, TokenId } from "./tokenizer.ts";

/** Cuts `text` at the special tokens that it is allowed to contain: ordinary stretches as text, the tokens as ids. */
export function* cutAtSpecialTokens(
  text: string,
  specialTokens: ReadonlyMap<string, TokenId>,
  allowed: EncodeOptions["allowedSpecial"],
): Generator<string | TokenId> {
  const names = allowedNames(specialTokens, allowed);
  if (names.length === 0) {
    yield text;
    return;
  }
  let start = 0;
  for (const match of text.matchAll(finder(names))) {
    if (match.index > start) yield text.slice(start, match.index);
    yield specialTokens.get(match[0]) as TokenId;
    start = match.index + match[0].length;
  }
  if (start < text.length) yield text.slice(start);
}

/** The special tokens that a text may contain. @throws UnknownSpecialTokenError for one that there is not */
export function allowedNames(
  specialTokens: ReadonlyMap<string, TokenId>,
  allowed: EncodeOptions["allowedSpecial"] = [],
): string[] {
  if (allowed === "all") return [...specialTokens.keys()];
  const names = [...allowed];
  for (const name of names) {
    if (!specialTokens.has(name)) throw new UnknownSpecialTokenError(name, specialTokens.keys());
  }
  return names;
}

/** Leftmost, and the longest of those that start there. */
function finder(names: readonly string[]): RegExp {
  const longestFirst = [...names].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map(escapeRegExp).join("|"), "gu");
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
