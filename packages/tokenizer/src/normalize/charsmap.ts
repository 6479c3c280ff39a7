import { MalformedTokenizerError } from "../errors.ts";
import { utf8Length } from "../split/utf8.ts";

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

  /** @throws MalformedTokenizerError naming `place` */
  constructor(bytes: Uint8Array, place: string) {
    const size = bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0;
    if (size % 4 !== 0 || size === 0 || size + 4 > bytes.length)
      throw new MalformedTokenizerError(place, `its trie has ${size} bytes, the whole ${bytes.length}.`);
    this.units = new Uint32Array(bytes.slice(4, 4 + size).buffer);
    this.blob = bytes.subarray(4 + size);
    this.place = place;
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

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
