import type { Edit } from "../stretch.ts";
import { inCanonicalOrder } from "./canonical-order.ts";

type Form = "NFC" | "NFD" | "NFKC" | "NFKD";

/** The form in which all is taken apart that may be put together again. */
function decomposed(form: Form): "NFD" | "NFKD" {
  return form === "NFC" || form === "NFD" ? "NFD" : "NFKD";
}

/** A character and those that may combine with it or change places: marks, Korean letters, Japanese voice marks. */
const SEGMENT = /[^][\p{M}\u1100-\u11ff\u3131-\u318e\uff9e-\uffdc]*/gu;

/** Unicode's normal forms. */
export function normalForm(form: Form): Edit {
  return (text, sources) => {
    const normalized = normalize(text, form);
    if (sources === undefined) return normalized;
    const segments = [...text.matchAll(SEGMENT)];
    const isWhole = segments.map(([segment]) => normalize(segment, form)).join("") === normalized;
    if (!isWhole) pushSources(sources, normalized, text, 0, form);
    for (const { 0: segment, index } of isWhole ? segments : []) {
      pushSources(sources, normalize(segment, form), segment, index, form);
    }
    return normalized;
  };
}

/** A character stands for the one that its first part comes from. */
function pushSources(sources: number[], changed: string, segment: string, index: number, form: Form): void {
  if (changed === segment) {
    for (let i = 0; i < segment.length; i++) sources.push(index + i);
    return;
  }
  const decompose = (character: string): string => character.normalize(decomposed(form));
  const places = new Map<string, number[]>(); // of each part, the last first
  let place = index + segment.length;
  for (const character of [...segment].reverse()) {
    place -= character.length;
    for (const part of decompose(character)) {
      const known = places.get(part);
      if (known === undefined) places.set(part, [place]);
      else known.push(place);
    }
  }
  for (const character of changed) {
    const [first = index] = Array.from(decompose(character), (part) => places.get(part)?.pop());
    for (let i = 0; i < character.length; i++) sources.push(first);
  }
}

/** More marks in a row than any language writes. */
const MANY_MARKS = /[\p{M}\uff9e\uff9f]{33}/u;

/** `String.normalize`, which takes quadratic time for a long run of marks that are not in canonical order. */
function normalize(text: string, form: Form): string {
  return (MANY_MARKS.test(text) ? inCanonicalOrder(text, decomposed(form)) : text).normalize(form);
}
