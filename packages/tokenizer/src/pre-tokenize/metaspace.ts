import { UnsupportedTokenizerError } from "../errors.ts";
import { asBoolean, asString, type JsonObject } from "../formats/json.ts";
import { prepend, replaceMatches } from "../stretch.ts";
import type { PreTokenizer } from "./pre-tokenizers.ts";

/** Where a space is put before the text: before every stretch between added tokens, the first, or none. */
export type PrependScheme = "always" | "first" | "never";

/** SentencePiece's way to keep spaces: a space is `▁`, one is put before the text, and each begins a piece. */
export function metaspace(part: JsonObject, place: string): PreTokenizer {
  const space = asString(part.replacement ?? "▁", `${place}.replacement`);
  const scheme = readPrependScheme(part, place);
  const cuts = asBoolean(part, "split", place, true);
  const replaceSpaces = replaceMatches(/ /g, () => space);
  const prependSpace = prepend(space);
  return (stretch, emit) => {
    let spaced = stretch.apply(replaceSpaces);
    const wantsSpace = scheme === "always" || (scheme === "first" && stretch.isFirst);
    if (wantsSpace && !spaced.text.startsWith(space)) spaced = spaced.apply(prependSpace);
    if (!cuts) return emit(spaced);
    const { text } = spaced;
    for (let start = 0; start < text.length; ) {
      const next = text.indexOf(space, start + 1);
      const end = next < 0 ? text.length : next;
      emit(start === 0 && next < 0 ? spaced : spaced.slice(start, end));
      start = end;
    }
  };
}

/** Old files say `add_prefix_space` instead. */
export function readPrependScheme(part: JsonObject, place: string): PrependScheme {
  const adds = asBoolean(part, "add_prefix_space", place, true);
  const scheme = asString(part.prepend_scheme ?? (adds ? "always" : "never"), `${place}.prepend_scheme`);
  if (scheme === "always" || scheme === "first" || scheme === "never") return scheme;
  throw new UnsupportedTokenizerError(
    `${place}.prepend_scheme ${JSON.stringify(scheme)}`,
    "known are always, first, never.",
  );
}
