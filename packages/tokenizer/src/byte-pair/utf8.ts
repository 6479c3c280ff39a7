/** Writes `text[start, end)` as UTF-8, a lone surrogate as U+FFFD; gives the number of bytes, at most 3 per unit. */
export function writeUtf8(text: string, start: number, end: number, bytes: Uint8Array): number {
  let count = 0;
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes[count++] = unit;
    else if (unit < 0x800) {
      bytes[count++] = 0xc0 | (unit >> 6);
      bytes[count++] = 0x80 | (unit & 0x3f);
    } else {
      let codePoint = unit;
      if ((unit & 0xf800) === 0xd800) {
        const pair = i + 1 < end ? (text.codePointAt(i) as number) : unit;
        codePoint = pair > 0xffff ? pair : 0xfffd;
        if (pair > 0xffff) i++;
      }
      if (codePoint > 0xffff) {
        bytes[count++] = 0xf0 | (codePoint >> 18);
        bytes[count++] = 0x80 | ((codePoint >> 12) & 0x3f);
      } else bytes[count++] = 0xe0 | (codePoint >> 12);
      bytes[count++] = 0x80 | ((codePoint >> 6) & 0x3f);
      bytes[count++] = 0x80 | (codePoint & 0x3f);
    }
  }
  return count;
}

/** How many bytes a code point has in UTF-8. */
export function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}
