import type { JsonObject } from "../formats/json.ts";
import { utf8Length } from "../split/utf8.ts";
import { type Edit, Rewriting } from "../stretch.ts";
import { readCharsmap } from "./charsmap.ts";

/**
 * Replaces by SentencePiece's table as Hugging Face's tokenizers do: what a reader takes for one character (a cluster of
 * code points), where that has fewer than six bytes, is replaced as a whole by what the shortest key in it stands for;
 * else its code points, one by one. SentencePiece itself does otherwise, see sentence-piece.ts.
 */
export function precompiled(part: JsonObject, place: string): Edit {
  const charsmap = readCharsmap(part, place);
  return (text, sources) => {
    const edited = new Rewriting(text, sources);
    let aloneUntil = 0; // up to there, a cluster that is not replaced as a whole: its code points are looked up alone
    for (let i = 0; i < text.length; ) {
      if (charsmap.passes(text, i)) {
        i++;
        continue;
      }
      let end = i + ((text.codePointAt(i) as number) > 0xffff ? 2 : 1);
      if (i >= aloneUntil) {
        const cluster = clusterEnd(text, i);
        if (isShort(text, i, cluster) && charsmap.find(text, i, cluster, false) !== undefined) end = cluster;
        else aloneUntil = cluster;
      }
      const found = charsmap.find(text, i, end, false);
      if (found !== undefined) edited.replace(i, end, found.replacement);
      i = end;
    }
    return edited.finish();
  };
}

/** Spacing marks that begin a character of their own all the same. */
const APART =
  "\\u102b\\u102c\\u1038\\u1062-\\u1064\\u1067-\\u106d\\u1083\\u1087-\\u108c\\u108f\\u109a-\\u109c\\u1a61\\u1a63\\u1a64\\uaa7b\\uaa7d\\u{11720}\\u{11721}";
/** Stay with the character before them. */
const EXTENDS = new RegExp(`[\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\u200d\\u0e33\\u0eb3]|(?![${APART}])\\p{Mc}`, "u");
/** Nothing stays with them. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;
/** Stay with the character after them. */
const PREPENDED =
  /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\u{110bd}\u{110cd}\u{111c2}\u{111c3}\u{1193f}\u{11941}\u{11a3a}\u{11a84}-\u{11a89}\u{11d46}\u{11f02}]/u;
const MOST_BYTES = 5;

/** The end of what a reader takes for one character (Unicode Standard Annex 29). */
function clusterEnd(text: string, start: number): number {
  const first = String.fromCodePoint(text.codePointAt(start) as number);
  const single = start + first.length;
  const second = text.codePointAt(single);
  if (first === "\r" && second === 10) return single + 1;
  const prepended = PREPENDED.test(first);
  if (second === undefined || (second < 0x300 && !prepended)) return single;
  if (!prepended && CONTROL.test(first)) return single;
  let end = single;
  let joins = prepended;
  while (end < text.length) {
    const character = String.fromCodePoint(text.codePointAt(end) as number);
    if (!EXTENDS.test(character) && !(joins && !CONTROL.test(character))) break;
    joins = false;
    end += character.length;
  }
  return end;
}

/** Whether a cluster has so few bytes that it may be replaced as a whole. */
function isShort(text: string, start: number, end: number): boolean {
  let bytes = 0;
  for (let i = start; i < end && bytes <= MOST_BYTES; ) {
    const codePoint = text.codePointAt(i) as number;
    bytes += utf8Length(codePoint);
    i += codePoint > 0xffff ? 2 : 1;
  }
  return bytes <= MOST_BYTES;
}
