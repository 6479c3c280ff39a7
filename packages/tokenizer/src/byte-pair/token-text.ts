import { UnknownTokenIdError } from "../errors.ts";
import type { TokenId } from "../tokenizer.ts";
import type { TokenBytes } from "./token-bytes.ts";

/**
 * Bytes of a token in one number of 64 bits. The eighth stays 0: it holds the exponent, and without it no bytes spell a
 * NaN, whose bits an engine may change.
 */
const AT_ONCE = 7;

/** Bytes of text that are made at a time: so few stay in the processor's cache. */
const ROOM = 2 ** 17;

/** The bytes of all tokens, in rows that are copied as numbers, which is faster than byte by byte: ids → text. */
export class TokenText {
  private readonly tokens: TokenBytes;
  private readonly rows: DataView;
  private readonly places: Int32Array; // (vocabSize), where a token begins in `rows`; −1 where the id is not used

  constructor(tokens: TokenBytes) {
    const { vocabSize, bytes, starts } = tokens;
    this.tokens = tokens;
    this.places = new Int32Array(vocabSize).fill(-1);
    let end = 0;
    for (let id = 0; id < vocabSize; id++) {
      if (starts[id] === -1) continue;
      this.places[id] = end;
      end += 8 * Math.ceil(tokens.lengthOf(id) / AT_ONCE);
    }
    const rows = new Uint8Array(end);
    this.rows = new DataView(rows.buffer);
    this.places.forEach((place, id) => {
      if (place < 0) return;
      const [start, size] = [starts[id] as number, tokens.lengthOf(id)];
      for (let i = 0; i < size; i++) rows[place + i + Math.floor(i / AT_ONCE)] = bytes[start + i] as number;
    });
  }

  /** Ids → text; bytes that are not UTF-8 become U+FFFD. @throws UnknownTokenIdError */
  decode(ids: Iterable<TokenId>): string {
    const list = ids instanceof Uint32Array ? ids : [...ids];
    const { longest } = this.tokens;
    const idsAtOnce = Math.max(1, Math.min(list.length, Math.floor(ROOM / longest)));
    const bytes = new Uint8Array(idsAtOnce * longest + 8);
    const view = new DataView(bytes.buffer);
    // Without `ignoreBOM` a leading U+FEFF would vanish.
    const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    for (let from = 0; from < list.length; from += idsAtOnce) {
      const length = this.copy(list, from, Math.min(from + idsAtOnce, list.length), view);
      text += utf8.decode(bytes.subarray(0, length), { stream: true });
    }
    return text + utf8.decode();
  }

  /** Writes the bytes of some ids one after the other and returns how many there are. */
  private copy(ids: ArrayLike<TokenId>, from: number, to: number, bytes: DataView): number {
    const { tokens, places, rows } = this;
    let length = 0;
    for (let position = from; position < to; position++) {
      const id = ids[position] as TokenId;
      let place = places[id] ?? -1;
      if (place < 0) throw new UnknownTokenIdError(id, position, tokens.vocabSize);
      const size = tokens.lengthOf(id);
      bytes.setFloat64(length, rows.getFloat64(place, true), true);
      for (let i = AT_ONCE; i < size; i += AT_ONCE)
        bytes.setFloat64(length + i, rows.getFloat64((place += 8), true), true);
      length += size;
    }
    return length;
  }
}
