import type { Units } from "./character-classes.ts";

const utf8 = new TextEncoder();

/** `text[start, end)` as an array. */
export function readUnits(text: string, start: number, end: number): Units {
  const units = new Uint16Array(end - start);
  const bytes = new Uint8Array(end - start);
  // The engine's own loop is much faster; ASCII is the text that has as many bytes as units.
  const { read, written } = utf8.encodeInto(text.slice(start, end), bytes);
  if (read === units.length && written === units.length) units.set(bytes);
  else for (let i = start; i < end; i++) units[i - start] = text.charCodeAt(i);
  return units;
}
