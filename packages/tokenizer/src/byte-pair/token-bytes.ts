import { byteOf } from "../byte-alphabet.ts";
import { MalformedTokenizerError, UnknownTokenIdError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";

/** No published vocabulary has more than some hundred thousand ids; a larger one is a damaged file. */
export const MOST_IDS: number = 2 ** 24;

/** The bytes of every token, side by side in one array: id → bytes, and ids → text. */
export class TokenBytes {
  readonly vocabSize: number;
  /** The most bytes of one token. */
  readonly longest: number;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array; // (vocabSize), −1 where the id is not used
  readonly ends: Int32Array; // (vocabSize)

  /** @throws MalformedTokenizerError if an id is no index, is used twice, or a spelling is not in the byte alphabet */
  constructor(vocabulary: ReadonlyMap<string, TokenId>, specialTokens: ReadonlyMap<string, TokenId>) {
    this.vocabSize = countIds(vocabulary, specialTokens);
    this.starts = new Int32Array(this.vocabSize).fill(-1);
    this.ends = new Int32Array(this.vocabSize);
    this.bytes = new Uint8Array(mostBytes(vocabulary.keys(), 1) + mostBytes(specialTokens.keys(), 3));
    let end = 0;
    let longest = 0;
    const add = (name: string, id: TokenId, count: number): void => {
      if (this.starts[id] !== -1)
        throw new MalformedTokenizerError(entry(name), `id ${id} belongs to another token too.`);
      this.starts[id] = end;
      end += count;
      this.ends[id] = end;
      longest = Math.max(longest, count);
    };
    for (const [spelling, id] of vocabulary) add(spelling, id, writeSpelled(spelling, this.bytes, end));
    const utf8 = new TextEncoder();
    for (const [name, id] of specialTokens) add(name, id, utf8.encodeInto(name, this.bytes.subarray(end)).written);
    this.longest = longest;
  }

  /** How many bytes a token has. */
  lengthOf(id: TokenId): number {
    return (this.ends[id] as number) - (this.starts[id] as number);
  }

  /** Whether a token is `bytes[0, count)`. */
  equals(id: TokenId, bytes: Uint8Array, count: number): boolean {
    if (this.lengthOf(id) !== count) return false;
    const start = this.starts[id] as number;
    for (let i = 0; i < count; i++) if (this.bytes[start + i] !== bytes[i]) return false;
    return true;
  }

  /** Whether a token has the bytes of two others, one after the other. */
  isJoined(id: TokenId, left: TokenId, right: TokenId): boolean {
    const { bytes, starts, ends } = this;
    if (this.lengthOf(id) !== this.lengthOf(left) + this.lengthOf(right)) return false;
    let at = starts[id] as number;
    for (let i = starts[left] as number; i < (ends[left] as number); i++) if (bytes[at++] !== bytes[i]) return false;
    for (let i = starts[right] as number; i < (ends[right] as number); i++) if (bytes[at++] !== bytes[i]) return false;
    return true;
  }

  /** Which id stands for each single byte; −1 where none does. */
  idsOfBytes(ordinaryIds: Iterable<TokenId>): Int32Array {
    const ids = new Int32Array(256).fill(-1);
    for (const id of ordinaryIds)
      if (this.lengthOf(id) === 1) ids[this.bytes[this.starts[id] as number] as number] = id;
    return ids;
  }

  /** The bytes of a token, undefined for a number that is no id. */
  bytesOf(id: TokenId): Uint8Array | undefined {
    const start = this.starts[id] ?? -1;
    return start < 0 ? undefined : this.bytes.subarray(start, this.ends[id]);
  }

  /** Ids → text; bytes that are not UTF-8 become U+FFFD. @throws UnknownTokenIdError */
  decode(ids: Iterable<TokenId>): string {
    const list = ids instanceof Uint32Array ? ids : [...ids];
    const text = new Uint8Array(this.countBytes(list));
    const { bytes, starts, ends } = this;
    let length = 0;
    for (let position = 0; position < list.length; position++) {
      const id = list[position] as TokenId;
      const end = ends[id] as number;
      for (let i = starts[id] as number; i < end; i++) text[length++] = bytes[i] as number;
    }
    // Without `ignoreBOM` a leading U+FEFF would vanish.
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
  }

  private countBytes(ids: ArrayLike<TokenId>): number {
    let count = 0;
    for (let position = 0; position < ids.length; position++) {
      const id = ids[position] as TokenId;
      const start = this.starts[id] ?? -1;
      if (start < 0) throw new UnknownTokenIdError(id, position, this.vocabSize);
      count += (this.ends[id] as number) - start;
    }
    return count;
  }
}

function countIds(...maps: readonly ReadonlyMap<string, TokenId>[]): number {
  let largest = -1;
  for (const map of maps) {
    for (const [name, id] of map) {
      if (!Number.isInteger(id) || id < 0 || id >= MOST_IDS) {
        throw new MalformedTokenizerError(
          entry(name),
          `id ${String(id)} is not a whole number from 0 to ${MOST_IDS - 1}.`,
        );
      }
      if (name === "") throw new MalformedTokenizerError(`token with id ${id}`, "it is empty.");
      largest = Math.max(largest, id);
    }
  }
  return largest + 1;
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

/** @param perUnit the most bytes of one UTF-16 unit */
function mostBytes(names: Iterable<string>, perUnit: number): number {
  let units = 0;
  for (const name of names) units += name.length;
  return perUnit * units;
}

function entry(name: string): string {
  return `token ${JSON.stringify(name)}`;
}
