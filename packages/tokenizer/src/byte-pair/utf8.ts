import { type Units, widthAt } from "../split/character-classes.ts";

const REPLACEMENT = 0xfffd;

/** Writes `text[start, end)` as UTF-8, a lone surrogate as U+FFFD; gives the number of bytes, at most 3 per unit. */
export function writeUtf8(text: Units, start: number, end: number, bytes: Uint8Array): number {
  let count = 0;
  for (let i = start; i < end; i++) {
    const unit = text[i] as number;
    if (unit < 0x80) {
      bytes[count++] = unit;
      continue;
    }
    if (unit < 0x800) bytes[count++] = 0xc0 | (unit >> 6);
    else {
      const codePoint = (unit & 0xf800) === 0xd800 ? pairAt(text, i, end) : unit;
      if (codePoint > 0xffff) {
        bytes[count++] = 0xf0 | (codePoint >> 18);
        bytes[count++] = 0x80 | ((codePoint >> 12) & 0x3f);
        i++;
      } else bytes[count++] = 0xe0 | (codePoint >> 12);
      bytes[count++] = 0x80 | ((codePoint >> 6) & 0x3f);
      bytes[count++] = 0x80 | (codePoint & 0x3f);
      continue;
    }
    bytes[count++] = 0x80 | (unit & 0x3f);
  }
  return count;
}

/** How many bytes a code point has in UTF-8. */
export function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

function pairAt(text: Units, index: number, end: number): number {
  if (widthAt(text, index, end) === 1) return REPLACEMENT;
  return 0x10000 + (((text[index] as number) & 0x3ff) << 10) + ((text[index + 1] as number) & 0x3ff);
}
