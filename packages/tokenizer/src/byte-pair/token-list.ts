import { byteOf, spell } from "../byte-alphabet.ts";
import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";

/** Ordinary tokens in the order of their file, as bytes: quickly read, and nothing for the garbage collector. */
export interface TokenList {
  readonly count: number;
  /** All tokens, one after the other. */
  readonly bytes: Uint8Array;
  /** Where each token ends, which is where the next one begins; (count) or more. */
  readonly ends: Int32Array;
  /** Their numbers, which may not be fit to be ids; (count) or more. */
  readonly ids: Float64Array;
  /** Where a token stands, for errors. */
  place(index: number): string;
}

/** A vocabulary as a list. @throws MalformedTokenizerError if a spelling is not in the byte alphabet */
export function listTokens(vocabulary: ReadonlyMap<string, TokenId>): TokenList {
  const bytes = new Uint8Array(sumOfLengths(vocabulary.keys()));
  const ends = new Int32Array(vocabulary.size);
  let [count, end] = [0, 0];
  for (const spelling of vocabulary.keys()) {
    end += writeSpelled(spelling, bytes, end);
    ends[count++] = end;
  }
  const ids = Float64Array.from(vocabulary.values(), (id) => (typeof id === "number" ? id : Number.NaN));
  return { count, bytes, ends, ids, place: (index) => entry([...vocabulary.keys()][index] as string) };
}

/** A list as a vocabulary. */
export function spellTokens({ count, bytes, ends, ids }: TokenList): Map<string, TokenId> {
  const vocabulary = new Map<string, TokenId>();
  for (let i = 0, start = 0; i < count; i++) {
    vocabulary.set(spell(bytes.subarray(start, ends[i])), ids[i] as TokenId);
    start = ends[i] as number;
  }
  return vocabulary;
}

/** How errors name a token. */
export function entry(name: string): string {
  return `token ${JSON.stringify(name)}`;
}

function writeSpelled(spelling: string, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < spelling.length; i++) {
    const byte = byteOf(spelling.charCodeAt(i));
    if (byte === undefined)
      throw new MalformedTokenizerError(entry(spelling), "it has a character outside GPT-2's byte alphabet.");
    bytes[at + i] = byte;
  }
  return spelling.length;
}

function sumOfLengths(names: Iterable<string>): number {
  let sum = 0;
  for (const name of names) sum += name.length;
  return sum;
}
