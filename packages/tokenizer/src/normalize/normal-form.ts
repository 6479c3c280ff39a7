import type { Edit } from "../stretch.ts";

type Form = "NFC" | "NFD" | "NFKC" | "NFKD";

/** A character and those that may combine with it or change places: marks, Korean letters, Japanese voice marks. */
const SEGMENT = /[^][\p{M}\u1100-\u11ff\u3131-\u318e\uff9e-\uffdc]*/gu;

/** Unicode's normal forms. */
export function normalForm(form: Form): Edit {
  return (text, sources) => {
    const normalized = text.normalize(form);
    if (sources === undefined) return normalized;
    const segments = [...text.matchAll(SEGMENT)];
    const isWhole = segments.map(([segment]) => segment.normalize(form)).join("") === normalized;
    if (!isWhole) pushSources(sources, normalized, text, 0, form);
    for (const { 0: segment, index } of isWhole ? segments : []) {
      pushSources(sources, segment.normalize(form), segment, index, form);
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
  const decompose = (text: string): string => text.normalize(form === "NFC" || form === "NFD" ? "NFD" : "NFKD");
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
