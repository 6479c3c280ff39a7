import type { Subject } from "../serve.ts";
import type { TokenizerSettings } from "./contestants.ts";
import { readTexts } from "./texts.ts";

/** A tokenizer under measurement. */
export interface Encoder<Ids extends { readonly length: number }> {
  encode(text: string): Ids;
  decode(ids: Ids): string;
}

/** What a tokenizer in JavaScript does when asked: `encode` or `decode` of all texts; the check is the number of ids. */
export function subject<Ids extends { readonly length: number }>(
  name: string,
  settings: TokenizerSettings,
  { encode, decode }: Encoder<Ids>,
): Subject {
  const texts = readTexts(settings);
  let encoded: Ids[] = [];
  return {
    name,
    async run(work) {
      if (work === "encode") encoded = texts.map(encode);
      else if (encoded.map(decode).join("").length === 0) return Number.NaN;
      return encoded.reduce((sum, ids) => sum + ids.length, 0);
    },
  };
}
