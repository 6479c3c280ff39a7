import { decodeBase64 } from "../formats/base64.ts";
import { asString, type JsonObject } from "../formats/json.ts";
import { sentencePieceRules } from "../sentence-piece.ts";
import { utf8Length } from "../split/utf8.ts";
import type { Edit } from "../stretch.ts";
import { Charsmap } from "./charsmap.ts";

/**
 * Replaces by SentencePiece's table. Hugging Face's tokenizers look up what a reader takes for one character (a cluster
 * of code points) where that has fewer than six bytes, and all of it is replaced by what the shortest key in it stands
 * for; else its code points, one by one. SentencePiece itself takes the longest key at each place.
 */
export function precompiled(part: JsonObject, place: string): Edit {
  const where = `${place}.precompiled_charsmap`;
  const charsmap = new Charsmap(decodeBase64(asString(part.precompiled_charsmap, where), where), where);
  const byLongestKey = sentencePieceRules(part, place) !== undefined;
  let passes: ((code: number) => boolean) | undefined;
  return (text, sources) => {
    passes ??= untouchedAscii(charsmap);
    let changed = "";
    let copied = 0;
    let aloneUntil = 0; // up to there, a cluster that is not replaced as a whole: its code points are looked up alone
    for (let i = 0; i < text.length; ) {
      // An ASCII character that nothing combines with: nothing to look up.
      if (passes(text.charCodeAt(i)) && !(text.charCodeAt(i + 1) >= 0x300)) {
        i++;
        continue;
      }
      const characterEnd = i + ((text.codePointAt(i) as number) > 0xffff ? 2 : 1);
      let end = byLongestKey ? text.length : characterEnd;
      if (!byLongestKey && i >= aloneUntil) {
        const cluster = clusterEnd(text, i);
        if (isShort(text, i, cluster) && charsmap.find(text, i, cluster, false) !== undefined) end = cluster;
        else aloneUntil = cluster;
      }
      const found = charsmap.find(text, i, end, byLongestKey);
      const foundEnd = byLongestKey ? i + (found?.length ?? 0) : end;
      if (found === undefined) {
        i = characterEnd;
        continue;
      }
      changed += text.slice(copied, i) + found.replacement;
      if (sources !== undefined) {
        for (; copied < i; copied++) sources.push(copied);
        for (let k = 0; k < found.replacement.length; k++) sources.push(Math.min(i + k, foundEnd - 1));
      }
      copied = i = foundEnd;
    }
    for (let i = copied; sources !== undefined && i < text.length; i++) sources.push(i);
    return changed + text.slice(copied);
  };
}

/** Which printable ASCII characters no key begins with: in practice all. */
function untouchedAscii(charsmap: Charsmap): (code: number) => boolean {
  const touched = Array.from({ length: 95 }, (_, i) => charsmap.find(String.fromCharCode(32 + i), 0, 1, false));
  return touched.some(Boolean) ? () => false : (code) => code >= 0x20 && code < 0x7f;
}

/** Stay with the character before them. */
const EXTENDS = /[\p{Grapheme_Extend}\p{Mc}\p{Emoji_Modifier}\u200d\u0e33\u0eb3]/u;
/** Nothing stays with them. */
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;
/** Stay with the character after them. */
const PREPENDED = /[\u0600-\u0605\u06dd\u070f\u08e2\u0d4e\u{110bd}]/u;
const MOST_BYTES = 5;

/** The end of what a reader takes for one character (Unicode Standard Annex 29). */
function clusterEnd(text: string, start: number): number {
  const first = String.fromCodePoint(text.codePointAt(start) as number);
  const single = start + first.length;
  const second = text.codePointAt(single);
  if (first === "\r" && second === 10) return single + 1;
  if (second === undefined || second < 0x300) return single;
  const prepended = PREPENDED.test(first);
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
