import { asBoolean, asString, type JsonObject } from "../formats/json.ts";
import { makePart, makeParts, readPattern } from "../parts.ts";
import { sentencePieceRules } from "../sentence-piece.ts";
import { type Edit, inSequence, prepend, replaceMatches } from "../stretch.ts";
import { bertNormalizer, lowercase } from "./bert.ts";
import { marks } from "./character-classes.ts";
import { normalForm } from "./normal-form.ts";
import { precompiled } from "./precompiled.ts";
import { sentencePieceNormalizer } from "./sentence-piece.ts";

/** The normalizers of a `tokenizer.json`: what changes a text before it is cut. */
const normalizers: Readonly<Record<string, (part: JsonObject, place: string) => Edit>> = {
  NFC: () => normalForm("NFC"),
  NFD: () => normalForm("NFD"),
  NFKC: () => normalForm("NFKC"),
  NFKD: () => normalForm("NFKD"),
  Lowercase: () => lowercase,
  StripAccents: () => replaceMatches(new RegExp(`${marks()}+`, "gv"), () => ""),
  BertNormalizer: bertNormalizer,
  Precompiled: precompiled,
  Strip: (part, place) => {
    const left = asBoolean(part, "strip_left", place, true);
    const right = asBoolean(part, "strip_right", place, true);
    return (text, sources) => {
      const start = left ? text.search(/\P{White_Space}|$/u) : 0;
      const end = right ? endOfInk(text, start) : text.length;
      for (let i = start; sources !== undefined && i < end; i++) sources.push(i);
      return text.slice(start, end);
    };
  },
  Replace: (part, place) => {
    const content = asString(part.content, `${place}.content`);
    return replaceMatches(readPattern(part.pattern, `${place}.pattern`), () => content);
  },
  Prepend: (part, place) => prepend(asString(part.prepend, `${place}.prepend`)),
  Sequence: (part, place) => {
    const rules = sentencePieceRules(part, place);
    if (rules !== undefined) return sentencePieceNormalizer(part, rules, place);
    return inSequence(makeParts(makeNormalizer, part.normalizers, `${place}.normalizers`));
  },
};

export function makeNormalizer(part: unknown, place: string): Edit | undefined {
  return makePart(normalizers, part, place);
}

/** Where trailing White_Space begins, from the right: a search from the left would be quadratic. */
function endOfInk(text: string, start: number): number {
  let end = text.length;
  while (end > start && /\p{White_Space}/u.test(text.charAt(end - 1))) end--;
  return end;
}
