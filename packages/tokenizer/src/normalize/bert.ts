import { asBoolean, type JsonObject } from "../formats/json.ts";
import { type Edit, inSequence, replaceMatches } from "../stretch.ts";
import { nonspacingMarks } from "./character-classes.ts";
import { normalForm } from "./normal-form.ts";

/** Cc, Cf and Co, as far as the reference's older tables have them; NUL and U+FFFD. */
const INVISIBLE =
  /(?![\t\n\r\u0890\u0891\u08e2\u{110cd}\u{13430}-\u{1343f}])[\p{Cc}\p{Cf}\p{Co}\ufffd]|[\t\n\r\p{White_Space}]/gu;
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const SPACE = /\p{White_Space}/u;

/** Each character in small letters on its own: a final Σ becomes σ, not ς. */
export const lowercase: Edit = (text, sources) => {
  if (sources === undefined) return text.replaceAll("Σ", "σ").toLowerCase();
  return replaceMatches(/[^]/gu, (character) => character.toLowerCase())(text, sources);
};

/** What BERT does to a text: drop what is invisible, space Chinese characters out, strip accents, lowercase. */
export function bertNormalizer(part: JsonObject, place: string): Edit {
  const option = (name: string, fallback: boolean): boolean => asBoolean(part, name, place, fallback);
  const edits: Edit[] = [];
  const lowers = option("lowercase", true);
  if (option("clean_text", true)) edits.push(cleanText);
  if (option("handle_chinese_chars", true)) edits.push(replaceMatches(IDEOGRAPH, (character) => ` ${character} `));
  if (option("strip_accents", lowers)) edits.push(stripAccents());
  if (lowers) edits.push(lowercase);
  return inSequence(edits);
}

const cleanText: Edit = replaceMatches(INVISIBLE, (character) => {
  const isSpace = SPACE.test(character) && (character < "\u000b" || character > "\u0085" || /[\r ]/.test(character));
  return isSpace ? " " : "";
});

function stripAccents(): Edit {
  const strip = replaceMatches(new RegExp(`${nonspacingMarks()}+`, "gv"), () => "");
  return inSequence([normalForm("NFD"), strip]);
}
