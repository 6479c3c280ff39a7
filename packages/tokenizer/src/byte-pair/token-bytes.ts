import { spell } from "../byte-alphabet.ts";
import { MalformedTokenizerError, UnknownTokenIdError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import { entry, type TokenList } from "./token-list.ts";

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

  /** @throws MalformedTokenizerError if an id is no index or is used twice, or a token is empty */
  constructor(tokens: TokenList, specialTokens: ReadonlyMap<string, TokenId>) {
    this.vocabSize = countIds(tokens, specialTokens);
    this.starts = new Int32Array(this.vocabSize).fill(-1);
    this.ends = new Int32Array(this.vocabSize);
    const utf8 = new TextEncoder();
    const special = [...specialTokens.keys()].map((name) => utf8.encode(name));
    let end = tokens.ends[tokens.count - 1] ?? 0;
    this.bytes = new Uint8Array(special.reduce((sum, { length }) => sum + length, end) + AT_ONCE);
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

  /** Ids → text; bytes that are not UTF-8 become U+FFFD. @throws UnknownTokenIdError */
  decode(ids: Iterable<TokenId>): string {
    const list = ids instanceof Uint32Array ? ids : [...ids];
    const { bytes, starts, ends } = this;
    let text = new Uint8Array(USUAL * list.length + AT_ONCE);
    let length = 0;
    for (let position = 0; position < list.length; position++) {
      const id = list[position] as TokenId;
      const start = starts[id] ?? -1;
      if (start < 0) throw new UnknownTokenIdError(id, position, this.vocabSize);
      const count = (ends[id] as number) - start;
      if (length + count + AT_ONCE > text.length) text = enlarged(text, 2 * text.length + count);
      copyEight(bytes, start, text, length);
      for (let i = AT_ONCE; i < count; i++) text[length + i] = bytes[start + i] as number;
      length += count;
    }
    // Without `ignoreBOM` a leading U+FEFF would vanish.
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(text.subarray(0, length));
  }
}

/** Bytes per token for which there is room at first. */
const USUAL = 5;

/** So many bytes are copied whether the token has them or not: a loop whose end differs each time takes longer. */
const AT_ONCE = 8;

function copyEight(from: Uint8Array, start: number, to: Uint8Array, at: number): void {
  to[at] = from[start] as number;
  to[at + 1] = from[start + 1] as number;
  to[at + 2] = from[start + 2] as number;
  to[at + 3] = from[start + 3] as number;
  to[at + 4] = from[start + 4] as number;
  to[at + 5] = from[start + 5] as number;
  to[at + 6] = from[start + 6] as number;
  to[at + 7] = from[start + 7] as number;
}

function enlarged(bytes: Uint8Array<ArrayBuffer>, capacity: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(capacity);
  larger.set(bytes);
  return larger;
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
