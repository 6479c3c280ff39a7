import type { TokenId } from "../tokenizer.ts";

/** So many tokens side by side are text enough; going over them takes some 40 ms while o200k or cl100k is loaded. */
const ENOUGH = 6000;

let isWarm = false;

/** What encodes; `token` is undefined for a number that is no id. */
interface Encoder {
  readonly vocabSize: number;
  encode(text: string): Uint32Array;
  decode(ids: Iterable<TokenId>): string;
  token(id: TokenId): string | undefined;
}

/**
 * Lets the engine compile while a vocabulary is loaded, once in a process, and with what runs later: V8 takes the first
 * hundred thousand words of a text to notice that it goes over them in loops, and compiles again where it meets what it
 * has not seen. The text for that are tokens of the vocabulary, which have letters, digits, spaces and signs of all
 * kinds. The first pass over a megabyte then takes about three quarters of the processor time on its
 * thread, and some six tenths on all.
 */
export function warmUp(encoder: Encoder): void {
  if (isWarm || encoder.vocabSize < 2 * ENOUGH) return;
  isWarm = true;
  const ids = Uint32Array.from({ length: ENOUGH }, (_, id) => id).filter((id) => encoder.token(id) !== undefined);
  const text = encoder.decode(ids);
  for (let round = 0; round < 2; round++) encoder.encode(text); // new words, then those met before
}
