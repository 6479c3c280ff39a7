import { ContestantError } from "../errors.ts";
import type { Subject } from "../serve.ts";
import type { TokenizerSettings } from "./contestants.ts";
import { readTexts } from "./texts.ts";

/** A tokenizer under measurement. */
export interface Encoder<Ids extends ArrayLike<number>> {
  encode(text: string): Ids;
  decode(ids: Ids): string;
}

/** What a tokenizer in JavaScript does when asked: `encode` or `decode` of all texts; the check is a sum over all ids. */
export function subject<Ids extends ArrayLike<number>>(
  name: string,
  settings: TokenizerSettings,
  { encode, decode }: Encoder<Ids>,
): Subject {
  const texts = readTexts(settings);
  let encoded: Ids[] = [];
  return {
    name,
    async run(work) {
      const started = performance.now();
      if (work === "encode") encoded = texts.map(encode);
      // To ask for a character makes one string of the parts that V8 may have left side by side.
      else if (Number.isNaN(encoded.map(decode).join("").charCodeAt(0)))
        throw new ContestantError("nothing was decoded");
      const milliseconds = performance.now() - started;
      return { milliseconds, check: encoded.reduce((sum, ids) => sum + checksum(ids), 0) };
    },
  };
}

/** Σ id · (place mod 1021 + 1), exact in a number, and another one where ids are others or elsewhere; `peer.py` has it too. */
function checksum(ids: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < ids.length; i++) sum += (ids[i] as number) * ((i % 1021) + 1);
  return sum;
}
