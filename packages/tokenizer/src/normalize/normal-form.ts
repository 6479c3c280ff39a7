import type { Edit } from "../stretch.ts";

type Form = "NFC" | "NFD" | "NFKC" | "NFKD";

/** A character and those that may combine with it or change places: marks, and what follows in a Korean syllable. */
const SEGMENT = /[^][\p{M}\u1160-\u11ff]*/gu;

/** Unicode's normal forms. */
export function normalForm(form: Form): Edit {
  return (text, sources) => {
    if (sources === undefined) return text.normalize(form);
    let normalized = "";
    for (const { 0: segment, index } of text.matchAll(SEGMENT)) {
      const changed = segment.normalize(form);
      sources.push(...sourcesOf(changed, segment, form).map((source) => index + source));
      normalized += changed;
    }
    return normalized;
  };
}

/** A character stands for the one that its first part comes from. */
function sourcesOf(changed: string, segment: string, form: Form): number[] {
  if (changed === segment) return [...changed.split("").keys()];
  const decompose = (text: string): string => text.normalize(form === "NFC" || form === "NFD" ? "NFD" : "NFKD");
  const parts: (string | undefined)[] = [];
  const places: number[] = [];
  let place = 0;
  for (const character of segment) {
    for (const part of decompose(character)) {
      parts.push(part);
      places.push(place);
    }
    place += character.length;
  }
  const sources: number[] = [];
  for (const character of changed) {
    let first = -1;
    for (const part of decompose(character)) {
      const found = parts.indexOf(part);
      parts[found] = undefined;
      if (first < 0) first = found;
    }
    for (let i = 0; i < character.length; i++) sources.push(places[first] ?? 0);
  }
  return sources;
}
