import type { Utf8 } from "./utf8.ts";

const [LOWER, UPPER, BORDER] = [1, 2, 4] as const;
const SPACE = 0x20;

/** By byte; 0 for all that makes a closer look necessary. */
const kinds: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (/[a-z]/.test(character)) return LOWER;
  if (/[A-Z]/.test(character)) return UPPER;
  return byte < 0x80 && character !== "'" ? BORDER : 0;
});

/**
 * The end of a piece that all known patterns cut alike, which most pieces of English text are: a word of ASCII letters,
 * of which at most the first is upper case, perhaps with a space before it; 0 if there is none.
 *
 * @param text has a byte behind its end that is no letter
 */
export function plainWordEnd(text: Utf8, start: number): number {
  const from = text[start] === SPACE ? start + 1 : start;
  let end = kinds[text[from] as number] === UPPER ? from + 1 : from;
  while (kinds[text[end] as number] === LOWER) end++;
  return end > from && kinds[text[end] as number] === BORDER ? end : 0;
}
