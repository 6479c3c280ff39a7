import { MalformedTokenizerError } from "../errors.ts";
import { decodeBase64 } from "../formats/base64.ts";
import { asString, type JsonObject } from "../formats/json.ts";
import { utf8Length } from "../split/utf8.ts";

/** The table of a `Precompiled` normalizer. @throws MalformedTokenizerError */
export function readCharsmap(part: JsonObject, place: string): Charsmap {
  const where = `${place}.precompiled_charsmap`;
  return new Charsmap(decodeBase64(asString(part.precompiled_charsmap, where), where), where);
}

interface Found {
  readonly replacement: string;
  /** Length of the key in UTF-16 units. */
  readonly length: number;
}

/**
 * SentencePiece's table of replacements: a double-array trie (Aoe 1989, laid out as darts-clone does) from UTF-8 to
 * places in a blob of texts that end with NUL. As bytes: the trie's size in bytes (uint32), its units (uint32), the blob.
 */
export class Charsmap {
  private readonly units: Uint32Array;
  private readonly blob: Uint8Array;
  private readonly place: string;
  private readonly texts = new Map<number, string>();
  /** By code: whether no key begins with an ASCII character, but for those that go on with a mark. */
  private readonly plain: readonly boolean[];

  /** @throws MalformedTokenizerError naming `place` */
  constructor(bytes: Uint8Array, place: string) {
    const size = bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0;
    if (size % 4 !== 0 || size === 0 || size + 4 > bytes.length)
      throw new MalformedTokenizerError(place, `its trie has ${size} bytes, the whole ${bytes.length}.`);
    this.units = new Uint32Array(bytes.slice(4, 4 + size).buffer);
    this.blob = bytes.subarray(4 + size);
    this.place = place;
    this.plain = Array.from({ length: 128 }, (_, code) => !this.begins(code));
  }

  /** Whether no key stands at `start`, seen at once: an ASCII character that is plain, and no mark behind it. */
  passes(text: string, start: number): boolean {
    return this.plain[text.charCodeAt(start)] === true && !(text.charCodeAt(start + 1) >= FIRST_MARK);
  }

  /** The shortest or longest key that stands at `start` and ends before `limit`, and what replaces it. */
  find(text: string, start: number, limit: number, longest: boolean): Found | undefined {
    let found: Found | undefined;
    let node = offset(this.unit(0));
    for (let i = start; i < limit; ) {
      const codePoint = text.codePointAt(i) as number;
      const width = utf8Length(codePoint);
      let unit = 0;
      for (let left = 6 * (width - 1); left >= 0; left -= 6) {
        const lead = left === 6 * (width - 1) ? (0xf00 >> width) & 0xff : 0x80;
        const byte = width === 1 ? codePoint : lead | ((codePoint >> left) & 0x3f);
        unit = this.unit(node ^ byte);
        if ((unit & 0x800000ff) !== byte || byte === 0) return found;
        node ^= byte ^ offset(unit);
      }
      i += width === 4 ? 2 : 1;
      if ((unit & 0x100) === 0) continue;
      found = { replacement: this.text(this.unit(node) & 0x7fffffff), length: i - start };
      if (!longest) break;
    }
    return found;
  }

  /** Whether a key is this ASCII character, or goes on with a character before the first mark. */
  private begins(ascii: number): boolean {
    const root = offset(this.units[0] as number);
    const unit = this.units[root ^ ascii] ?? 0;
    if (ascii === 0 || (unit & 0x800000ff) !== ascii) return false;
    const node = root ^ ascii ^ offset(unit);
    const leads = Array.from({ length: LEAD_OF_FIRST_MARK }, (_, byte) => byte);
    return (
      (unit & 0x100) !== 0 || leads.some((byte) => byte > 0 && ((this.units[node ^ byte] ?? 0) & 0x800000ff) === byte)
    );
  }

  private unit(index: number): number {
    const unit = this.units[index];
    if (unit === undefined) throw new MalformedTokenizerError(this.place, `its trie points outside, at unit ${index}.`);
    return unit;
  }

  private text(start: number): string {
    const known = this.texts.get(start);
    if (known !== undefined) return known;
    const end = this.blob.indexOf(0, start);
    if (end < 0) throw new MalformedTokenizerError(this.place, `its trie points outside, at text ${start}.`);
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.blob.subarray(start, end));
    this.texts.set(start, text);
    return text;
  }
}

/** U+0300, and the first byte of its UTF-8. */
const [FIRST_MARK, LEAD_OF_FIRST_MARK] = [0x300, 0xcc];

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
