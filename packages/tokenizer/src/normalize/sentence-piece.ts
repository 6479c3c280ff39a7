import { asArray, asBoolean, asObject, type JsonObject } from "../formats/json.ts";
import { Trie } from "../models/trie.ts";
import { textsIn } from "../sentence-piece.ts";
import { type Edit, Rewriting } from "../stretch.ts";
import { type Charsmap, readCharsmap } from "./charsmap.ts";

const SPACE = 32;

/**
 * SentencePiece's normalizer. At each place of a text stands a piece that the user defined, which stays as it is, the
 * longest key of the table of replacements, or a character. Spaces become `▁`, and one may be put first; those at the
 * ends, and all but one of a run, may be dropped.
 */
export function sentencePieceNormalizer(part: JsonObject, rules: JsonObject, place: string): Edit {
  const adds = asBoolean(rules, "add_dummy_prefix", place, true);
  const removes = asBoolean(rules, "remove_extra_whitespaces", place, true);
  const userDefined = textsIn(rules, "user_defined", place);
  const trie = new Trie();
  const root = trie.addRoot();
  userDefined.forEach((piece, index) => trie.addWord(root, piece, index));
  const charsmap = findCharsmap(part, place);

  /** Whether a character certainly stays, seen without looking far. */
  const isPlain = (text: string, at: number): boolean => {
    if (userDefined.length > 0 && trie.child(root, text.charCodeAt(at)) !== 0) return false;
    return charsmap === undefined || charsmap.passes(text, at);
  };

  /** What stands at a place and what it becomes; undefined for a character that stays. */
  const find = (text: string, at: number): { readonly replacement: string; readonly length: number } | undefined => {
    if (isPlain(text, at)) return undefined;
    const [, end] = trie.longest(root, text, at);
    if (end > at) return { replacement: text.slice(at, end), length: end - at };
    return charsmap?.find(text, at, text.length, true);
  };

  const firstInk = (text: string): number => {
    for (let at = 0; ; ) {
      const found = find(text, at);
      if ((found?.replacement ?? text.charAt(at)) !== " ") return at;
      at += found?.length ?? 1;
    }
  };

  const replaceFrom = (start: number, text: string, edited: Rewriting): void => {
    let isAfterSpace = removes;
    for (let i = start; i < text.length; ) {
      const found = find(text, i);
      if (found === undefined) {
        const isSpace = text.charCodeAt(i) === SPACE;
        if (isSpace && isAfterSpace) edited.replace(i, i + 1, "");
        isAfterSpace = isSpace && removes;
        i++;
        continue;
      }
      const shown = isAfterSpace ? withoutFirstSpaces(found.replacement) : found.replacement;
      edited.replace(i, i + found.length, shown);
      if (shown !== "") isAfterSpace = removes && shown.endsWith(" ");
      i += found.length;
    }
  };

  const replacesMore = charsmap !== undefined || userDefined.length > 0 || removes;
  return (text, sources) => {
    const start = removes ? firstInk(text) : 0;
    if (start === text.length) return "";
    const edited = new Rewriting(text, sources);
    edited.replace(0, start, "");
    edited.replace(start, start, adds ? " " : "");
    if (replacesMore) replaceFrom(start, text, edited);
    const spaced = edited.finish().replaceAll(" ", "▁");
    return removes ? withoutLastSpaces(spaced, sources) : spaced;
  };
}

function findCharsmap(part: JsonObject, place: string): Charsmap | undefined {
  const parts = asArray(part.normalizers, `${place}.normalizers`).map((each) => asObject(each, `${place}.normalizers`));
  const precompiled = parts.find(({ type }) => type === "Precompiled");
  return precompiled && readCharsmap(precompiled, place);
}

function withoutFirstSpaces(text: string): string {
  let start = 0;
  while (text.charCodeAt(start) === SPACE) start++;
  return text.slice(start);
}

/** Also takes `▁` that the text had itself. */
function withoutLastSpaces(text: string, sources: number[] | undefined): string {
  let end = text.length;
  while (text.charAt(end - 1) === "▁") end--;
  if (sources !== undefined) sources.length = end;
  return text.slice(0, end);
}
