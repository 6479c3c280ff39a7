import { ReadError } from "./errors.ts";

/** Bytes that are read by range: a file, a buffer, a response that supports range requests. */
export interface ByteSource {
  /** What messages call it: a path or an address. */
  readonly name: string;
  /** Length in bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset` on, in memory that the caller may keep and change. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A `ByteSource` over bytes in memory; `read` copies. */
export function bytesSource(bytes: Uint8Array, name = "data in memory"): ByteSource {
  return {
    name,
    size: bytes.length,
    async read(offset: number, length: number): Promise<Uint8Array> {
      checkRange(name, bytes.length, offset, length);
      return new Uint8Array(bytes.subarray(offset, offset + length)); // a Buffer's slice would not copy
    },
    async close(): Promise<void> {},
  };
}

/** Reads a range of `source`, whoever wrote it: throws ReadError unless it gives exactly the bytes asked for. */
export async function readRange(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await source.read(offset, length);
  if (bytes.length === length) return bytes;
  throw new ReadError(source.name, `${length} bytes were asked for from offset ${offset} on, ${bytes.length} came`);
}

/** Throws ReadError unless `offset … offset + length` lies inside a source of `size` bytes. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (valid && offset + length <= size) return;
  throw new ReadError(name, `${length} bytes from offset ${offset} on do not lie within its ${size} bytes`);
}
