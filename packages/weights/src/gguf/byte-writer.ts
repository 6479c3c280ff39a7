/** Little-endian values one after another, in memory that grows. */
export class ByteWriter {
  #bytes = new Uint8Array(1 << 12);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What has been written, in memory of its own. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** Makes room for `length` bytes, zeros at first, and says where they are. */
  room(length: number): { view: DataView; offset: number } {
    const offset = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) this.#grow();
    return { view: this.#view, offset };
  }

  uint8(value: number): void {
    const { view, offset } = this.room(1);
    view.setUint8(offset, value);
  }

  uint32(value: number): void {
    const { view, offset } = this.room(4);
    view.setUint32(offset, value, true);
  }

  uint64(value: number): void {
    const { view, offset } = this.room(8);
    view.setBigUint64(offset, BigInt(value), true);
  }

  string(text: string): void {
    const utf8 = new TextEncoder().encode(text);
    this.uint64(utf8.length);
    const { offset } = this.room(utf8.length);
    this.#bytes.set(utf8, offset);
  }

  #grow(): void {
    const bytes = new Uint8Array(2 * this.#length);
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
