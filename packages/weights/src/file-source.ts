import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type ByteSource, checkRange } from "./byte-source.ts";
import { ReadError } from "./errors.ts";

/** One system call moves at most 2³¹ − 1 bytes. */
const BYTES_AT_A_TIME = 1 << 30;

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "permission is denied",
  EISDIR: "it is a folder",
  ENOTDIR: "what should be its folder is a file",
  ELOOP: "its links lead in a circle",
  ENXIO: "it is not a regular file", // a socket
};

/** Without it, opening a named pipe waits for a writer; Windows has neither. */
const READ_AT_ONCE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The text of a file of at most `maxBytes`, which is not read if it is longer. @throws ReadError */
export async function readText(path: string, maxBytes: number): Promise<string> {
  const source = await fileSource(path);
  try {
    if (source.size <= maxBytes) return new TextDecoder().decode(await source.read(0, source.size));
    throw new ReadError(path, `its ${source.size} bytes pass the limit of ${maxBytes}`);
  } finally {
    await source.close();
  }
}

/** A file as a `ByteSource`; positions beyond 4 GB are fine. @throws ReadError */
export async function fileSource(path: string): Promise<ByteSource> {
  const handle = await open(path, READ_AT_ONCE).catch((error: unknown) => failReading(path, error));
  const stats = await handle.stat();
  if (!stats.isFile()) {
    await handle.close();
    throw new ReadError(path, stats.isDirectory() ? "it is a folder" : "it is not a regular file");
  }
  return {
    name: path,
    size: stats.size,
    async read(offset: number, length: number): Promise<Uint8Array> {
      checkRange(path, stats.size, offset, length);
      return readExactly(handle, path, offset, length).catch((error: unknown) => failReading(path, error));
    },
    close: () => handle.close(),
  };
}

async function readExactly(handle: FileHandle, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, BYTES_AT_A_TIME), offset + done);
    if (bytesRead === 0) throw new ReadError(path, `it ended at byte ${offset + done}: it was cut while open`);
    done += bytesRead;
  }
  return bytes;
}

/** An error of the system as one that says what is wrong. @throws ReadError */
export function failReading(path: string, error: unknown): never {
  if (error instanceof ReadError || !(error instanceof Error)) throw error;
  const code = (error as NodeJS.ErrnoException).code ?? "";
  throw new ReadError(path, PROBLEMS[code] ?? error.message, { cause: error });
}
