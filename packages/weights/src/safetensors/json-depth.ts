import { stringEnd } from "./json-strings.ts";

/**
 * Whether anything nests in a list, or deeper than `limit`. It takes no memory and the text need not be valid JSON:
 * asked before JSON.parse, which takes many times the memory of a text that is all brackets.
 */
export function nestsTooDeep(json: string, limit: number): boolean {
  let depth = 0;
  let inList = false;
  for (let i = 0; i < json.length; i++) {
    const character = json[i];
    if (character === '"') i = stringEnd(json, i) - 1;
    else if (character === "{" || character === "[") {
      if (inList || depth === limit) return true;
      inList = character === "[";
      depth++;
    } else if (character === "}" || character === "]") {
      inList = false;
      depth--;
    }
  }
  return false;
}
