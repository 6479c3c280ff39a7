import type { Units } from "./character-classes.ts";

const utf8 = new TextEncoder();

/** So many units can be read from any place of a text without a look where it ends. */
const PADDING = 8;

/** Where more than one unit in so many is not ASCII, they are read one by one. */
const MOSTLY = 16;

/**
 * `text[start, end)` as an array that is longer than it. The engine's own loops are much faster than ours: most texts
 * are ASCII, which has as many bytes in UTF-8 as units, or stretches of ASCII with a few other characters.
 */
export function readUnits(text: string, start: number, end: number): Units {
  const length = end - start;
  const units = new Uint16Array(length + PADDING);
  const bytes = new Uint8Array(length + (length >> 3));
  const { read, written } = utf8.encodeInto(text.slice(start, end), bytes);
  if (read === length && written === length) units.set(bytes.subarray(0, length));
  else if (read === length && (written - read) * MOSTLY < length)
    readMixed(text, start, bytes.subarray(0, written), units);
  else for (let i = 0; i < length; i++) units[i] = text.charCodeAt(start + i);
  return units;
}

/** Stretches of ASCII are copied as bytes, and the others read from the text. */
function readMixed(text: string, start: number, bytes: Uint8Array, units: Units): void {
  let to = 0;
  for (let from = 0; from < bytes.length; ) {
    const end = asciiEnd(bytes, from);
    units.set(bytes.subarray(from, end), to);
    to += end - from;
    for (from = end; from < bytes.length && (bytes[from] as number) >= 0x80; from++) {
      // Each character has one byte that does not continue another, and one with four bytes has two units.
      const byte = bytes[from] as number;
      if (byte < 0xc0) continue;
      units[to] = text.charCodeAt(start + to);
      to++;
      if (byte < 0xf0) continue;
      units[to] = text.charCodeAt(start + to);
      to++;
    }
  }
}

/** Where the bytes from `start` on are no longer ASCII; four at a time, for the compiler does not do that by itself. */
function asciiEnd(bytes: Uint8Array, start: number): number {
  let end = start;
  while (end + 4 <= bytes.length && isAscii(bytes, end)) end += 4;
  while (end < bytes.length && (bytes[end] as number) < 0x80) end++;
  return end;
}

function isAscii(bytes: Uint8Array, at: number): boolean {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]] as [number, number, number, number];
  return (a | b | c | d) < 0x80;
}
