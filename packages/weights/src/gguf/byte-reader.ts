import { GgufError } from "../errors.ts";

/** The bytes at hand end before the header does, which is not yet the end of the file. */
export class NeedsMoreBytes extends Error {
  /** How many bytes from the file's beginning on the value that is being read needs. */
  readonly length: number;

  constructor(length: number) {
    super();
    this.length = length;
  }
}

/** Against headers that would exhaust memory; the largest vocabularies, with their merges, are a million items. */
const MAX_ITEMS = 2 ** 22;

/** Reads little-endian values one after another from the first `bytes` of a file of `fileSize` bytes. */
export class ByteReader {
  readonly file: string;
  readonly fileSize: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  offset = 0;
  /** What is being read, for messages: `key "x"`, or a count. */
  what = "the header";
  #items = 0;
  readonly #utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(file: string, fileSize: number, bytes: Uint8Array) {
    this.file = file;
    this.fileSize = fileSize;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Goes past `length` bytes and says where they are. @throws GgufError past the file's end, NeedsMoreBytes */
  take(length: number): { view: DataView; offset: number } {
    const { view, offset } = this;
    this.need(length);
    this.offset = offset + length;
    return { view, offset };
  }

  /** Makes sure that `length` more bytes are at hand. @throws as `take` */
  need(length: number): void {
    const end = this.offset + length;
    if (end <= this.bytes.length) return;
    if (end > this.fileSize) this.fail(`it reaches byte ${end} of a file of ${this.fileSize} bytes`);
    throw new NeedsMoreBytes(end);
  }

  uint32(): number {
    const { view, offset } = this.take(4);
    return view.getUint32(offset, true);
  }

  /** A uint64 that counts or places something. @throws GgufError from 2⁵³ on */
  uint64(): number {
    const { view, offset } = this.take(8);
    const value = view.getBigUint64(offset, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`the number ${value} passes 2^53 - 1`);
    return Number(value);
  }

  /** How many of something follow. @throws GgufError where the rest of the file has no room for that many */
  count(bytesEach: number, of: string): number {
    const count = this.uint64();
    const left = this.fileSize - this.offset;
    if (count > left / bytesEach) this.fail(`${count} ${of} do not fit in the ${left} bytes that are left of the file`);
    return count;
  }

  /** How many items follow, each of which takes memory. @throws as `count`, and where all together are too many */
  items(bytesEach: number, of: string): number {
    const count = this.count(bytesEach, of);
    this.#items += count;
    if (this.#items > MAX_ITEMS) this.fail(`with ${count} ${of} the header passes the limit of ${MAX_ITEMS} items`);
    return count;
  }

  string(): string {
    const length = this.count(1, "bytes of text");
    const { offset } = this.take(length);
    try {
      return this.#utf8.decode(this.bytes.subarray(offset, offset + length));
    } catch {
      return this.fail("its text is not valid UTF-8");
    }
  }

  fail(problem: string): never {
    throw new GgufError(this.file, `${this.what}: ${problem}`);
  }
}
