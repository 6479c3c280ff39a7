import { stringEnd } from "./json-strings.ts";

/** The first key that an object in this (valid) JSON text holds twice; JSON.parse would keep the last one silently. */
export function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = []; // one per object around position i
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === "{") open.push(new Set());
    else if (character === "}") open.pop();
    else if (character === '"') {
      const end = stringEnd(json, i);
      if (isKey(json, end)) {
        const key = JSON.parse(json.slice(i, end)) as string;
        const keys = open[open.length - 1];
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

function isKey(json: string, stringEnd: number): boolean {
  let i = stringEnd;
  while (" \t\r\n".includes(json[i] ?? "x")) i++;
  return json[i] === ":";
}
