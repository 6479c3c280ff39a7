import { spell } from "../byte-alphabet.ts";
import { MalformedTokenizerError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import { entry, type TokenList } from "./token-list.ts";

/** No published vocabulary has more than some hundred thousand ids; a larger one is a damaged file. */
export const MOST_IDS: number = 2 ** 24;

/** The bytes of every token, side by side in one array: id → bytes. */
export class TokenBytes {
  readonly vocabSize: number;
  /** The most bytes of one token. */
  readonly longest: number;
  readonly bytes: Uint8Array;
  readonly starts: Int32Array; // (vocabSize), −1 where the id is not used
  readonly ends: Int32Array; // (vocabSize)

  /** @throws MalformedTokenizerError if an id is no index or is used twice, or a token is empty */
  constructor(tokens: TokenList, specialTokens: ReadonlyMap<string, TokenId>) {
    this.vocabSize = countIds(tokens, specialTokens);
    this.starts = new Int32Array(this.vocabSize).fill(-1);
    this.ends = new Int32Array(this.vocabSize);
    const utf8 = new TextEncoder();
    const special = [...specialTokens.keys()].map((name) => utf8.encode(name));
    let end = tokens.ends[tokens.count - 1] ?? 0;
    this.bytes = new Uint8Array(special.reduce((sum, { length }) => sum + length, end));
    this.bytes.set(tokens.bytes.subarray(0, end));
    let longest = 0;
    for (let i = 0, start = 0; i < tokens.count; i++) {
      const tokenEnd = tokens.ends[i] as number;
      if (!this.add(tokens.ids[i] as TokenId, start, tokenEnd)) throw repeated(tokens.ids[i], nameOf(tokens, i));
      if (tokenEnd - start > longest) longest = tokenEnd - start;
      start = tokenEnd;
    }
    [...specialTokens].forEach(([name, id], index) => {
      const bytes = special[index] as Uint8Array;
      this.bytes.set(bytes, end);
      if (!this.add(id, end, end + bytes.length)) throw repeated(id, entry(name));
      longest = Math.max(longest, bytes.length);
      end += bytes.length;
    });
    this.longest = longest;
  }

  private add(id: TokenId, start: number, end: number): boolean {
    if (this.starts[id] !== -1) return false;
    this.starts[id] = start;
    this.ends[id] = end;
    return true;
  }

  /** How many bytes a token has. */
  lengthOf(id: TokenId): number {
    return (this.ends[id] as number) - (this.starts[id] as number);
  }

  /** Which of some ids stands for each single byte; −1 where none does. */
  idsOfBytes({ ids, count }: TokenList): Int32Array {
    const byBytes = new Int32Array(256).fill(-1);
    for (let i = 0; i < count; i++) {
      const id = ids[i] as TokenId;
      if (this.lengthOf(id) === 1) byBytes[this.bytes[this.starts[id] as number] as number] = id;
    }
    return byBytes;
  }

  /** The bytes of a token, undefined for a number that is no id. */
  bytesOf(id: TokenId): Uint8Array | undefined {
    const start = this.starts[id] ?? -1;
    return start < 0 ? undefined : this.bytes.subarray(start, this.ends[id]);
  }
}

function countIds(tokens: TokenList, specialTokens: ReadonlyMap<string, TokenId>): number {
  const { count, ids, ends } = tokens;
  let largest = -1;
  for (let i = 0; i < count; i++) {
    const id = ids[i] as number;
    if (!isId(id)) throw noId(id, nameOf(tokens, i));
    if (ends[i] === (ends[i - 1] ?? 0)) throw new MalformedTokenizerError(`token with id ${id}`, "it is empty.");
    if (id > largest) largest = id;
  }
  for (const [name, id] of specialTokens) {
    if (!isId(id)) throw noId(id, entry(name));
    if (name === "") throw new MalformedTokenizerError(`token with id ${id}`, "it is empty.");
    largest = Math.max(largest, id);
  }
  return largest + 1;
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < MOST_IDS;
}

function noId(id: number, place: string): MalformedTokenizerError {
  return new MalformedTokenizerError(place, `id ${String(id)} is not a whole number from 0 to ${MOST_IDS - 1}.`);
}

function repeated(id: number | undefined, place: string): MalformedTokenizerError {
  return new MalformedTokenizerError(place, `id ${id} belongs to another token too.`);
}

function nameOf({ bytes, ends }: TokenList, index: number): string {
  return entry(spell(bytes.subarray(ends[index - 1] ?? 0, ends[index])));
}
