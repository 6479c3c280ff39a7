/** A text as UTF-8, as a `TextEncoder` writes it; a byte's place is its index. */
export type Utf8 = Uint8Array;

/** How many bytes the character has that begins at `index`. */
export function widthAt(text: Utf8, index: number): number {
  const first = text[index] as number;
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/** The code point of the character that begins at `index`. */
export function codePointAt(text: Utf8, index: number): number {
  const first = text[index] as number;
  if (first < 0x80) return first;
  const second = (text[index + 1] as number) & 0x3f;
  if (first < 0xe0) return ((first & 0x1f) << 6) | second;
  const third = (text[index + 2] as number) & 0x3f;
  if (first < 0xf0) return ((first & 0xf) << 12) | (second << 6) | third;
  return ((first & 7) << 18) | (second << 12) | (third << 6) | ((text[index + 3] as number) & 0x3f);
}

/** Where the character begins that ends at `end`. */
export function startBefore(text: Utf8, end: number): number {
  let start = end - 1;
  while (start > 0 && ((text[start] as number) & 0xc0) === 0x80) start--;
  return start;
}

/** How many bytes a code point has. */
export function utf8Length(codePoint: number): number {
  return codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
}

/** How many bytes `text.slice(start, end)` has; a lone surrogate as many as U+FFFD, which it becomes. */
export function countBytes(text: string, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i++) {
    const codePoint = text.codePointAt(i) as number;
    count += utf8Length(codePoint);
    if (codePoint > 0xffff) i++;
  }
  return count;
}

/** How many UTF-16 units the characters in `text[start, end)` have. */
export function countUnits(text: Utf8, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i++) {
    const byte = text[i] as number;
    if (byte < 0x80 || byte >= 0xc0) count += byte < 0xf0 ? 1 : 2;
  }
  return count;
}
