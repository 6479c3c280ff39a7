import type { Units } from "./character-classes.ts";

const utf8 = new TextEncoder();

/** So many units can be read from any place of a text without a look where it ends. */
const PADDING = 8;

/** `text[start, end)` as an array that is longer than it. */
export function readUnits(text: string, start: number, end: number): Units {
  const units = new Uint16Array(end - start + PADDING);
  const bytes = new Uint8Array(end - start);
  // The engine's own loop is much faster; ASCII is the text that has as many bytes as units.
  const { read, written } = utf8.encodeInto(text.slice(start, end), bytes);
  if (read === bytes.length && written === bytes.length) units.set(bytes);
  else for (let i = start; i < end; i++) units[i - start] = text.charCodeAt(i);
  return units;
}
