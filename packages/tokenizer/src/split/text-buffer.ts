import type { Utf8 } from "./utf8.ts";

const utf8 = new TextEncoder();

/** So many bytes can be read from any place of a text without a look where it ends. */
const PADDING = 16;

/** Memory that one text after the other is written into. */
export class TextBuffer {
  /** How many UTF-16 units a text may have. */
  readonly mostUnits: number;
  readonly bytes: Utf8;
  /** The same memory, to be read four bytes at a time. */
  readonly view: DataView;

  constructor(mostUnits: number) {
    this.mostUnits = mostUnits;
    this.bytes = new Uint8Array(3 * mostUnits + PADDING);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Writes a text from the beginning, a lone surrogate as U+FFFD, and a 0 behind it; gives the number of its bytes. */
  write(text: string): number {
    const { written } = utf8.encodeInto(text, this.bytes);
    this.bytes[written] = 0;
    return written;
  }
}
