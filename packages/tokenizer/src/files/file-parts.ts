import { type FileHandle, open } from "node:fs/promises";
import type { Borders } from "./borders.ts";
import { EncodeFileError } from "./errors.ts";

/** A part of a file that can be encoded on its own. */
export interface FilePart {
  /** The part, in a buffer of its own, behind the anchor. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * How many of the first bytes belong to the part before: its last character, and a line feed that follows it. With
   * them in front, an encoder knows that the text does not begin here; their tokens are to be taken off.
   */
  readonly anchor: number;
  /** Where the part begins in the file, the anchor included. */
  readonly offset: number;
}

/** The parts of a file, in order, each about `partSize` bytes; longer where there is no border. */
export async function* fileParts(path: string, borders: Borders, partSize: number): AsyncGenerator<FilePart> {
  const search = new BorderSearch(borders);
  const file = await openFile(path);
  try {
    let rest: Uint8Array = new Uint8Array();
    for (let anchor = 0, offset = 0; ; ) {
      const filled = await fill(file, path, rest, Math.max(partSize, rest.length));
      const isLast = filled.read < filled.wanted;
      const cut = isLast ? undefined : search.last(filled.bytes, Math.max(anchor + 1, rest.length - search.ahead));
      if (isLast) {
        if (filled.bytes.length > anchor) yield { bytes: filled.bytes, anchor, offset };
        return;
      }
      rest = filled.bytes.slice(cut?.anchorStart ?? 0);
      if (cut === undefined) {
        checkLength(path, rest.length, offset);
        continue;
      }
      yield { bytes: filled.bytes.subarray(0, cut.position), anchor, offset };
      anchor = cut.position - cut.anchorStart;
      offset += cut.anchorStart;
    }
  } finally {
    await file.close();
  }
}

/** More does not fit into one string. */
const LONGEST_PART = 2 ** 28;

function checkLength(path: string, length: number, offset: number): void {
  if (length < LONGEST_PART) return;
  const problem = `there is no place to cut the text in ${length} bytes, such as a space after a word`;
  throw new EncodeFileError(path, problem, { offset });
}

async function openFile(path: string): Promise<FileHandle> {
  return open(path).catch((cause: Error) => {
    throw new EncodeFileError(path, `it cannot be read (${cause.message})`, { cause });
  });
}

/** What is left of the bytes before, and `wanted` more from the file, or all that there are. */
async function fill(
  file: FileHandle,
  path: string,
  rest: Uint8Array,
  wanted: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; read: number; wanted: number }> {
  const bytes = new Uint8Array(rest.length + wanted);
  bytes.set(rest);
  let read = 0;
  while (read < wanted) {
    const { bytesRead } = await file.read(bytes, rest.length + read, wanted - read).catch((cause: Error) => {
      throw new EncodeFileError(path, `it cannot be read (${cause.message})`, { cause });
    });
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return { bytes: bytes.subarray(0, rest.length + read), read, wanted };
}

/** A place to cut, and where the character before it begins. */
interface Cut {
  readonly position: number;
  readonly anchorStart: number;
}

/** Looks for the last place where bytes can be cut. */
class BorderSearch {
  /** How many bytes behind a place have a say in it. */
  readonly ahead: number;
  private readonly borders: Borders;
  private readonly unbroken: readonly Buffer[];

  constructor(borders: Borders) {
    this.borders = borders;
    this.unbroken = borders.unbroken.map((name) => Buffer.from(name));
    this.ahead = Math.max(4, ...this.unbroken.map((name) => name.length));
  }

  last(bytes: Uint8Array, first: number): Cut | undefined {
    for (let i = bytes.length - this.ahead; i >= first; i--) {
      const cut = this.cutAt(bytes, i);
      if (cut !== undefined && !this.unbroken.some((name) => reachesOver(name, bytes, i))) return cut;
    }
    return undefined;
  }

  private cutAt(bytes: Uint8Array, position: number): Cut | undefined {
    const { beforeSpace, afterLineFeed } = this.borders;
    if (bytes[position] === SPACE) return beforeSpace ? cutBehind(bytes, position, position) : undefined;
    if (bytes[position - 1] !== LINE_FEED || !afterLineFeed) return undefined;
    if (!/^[\p{L}\p{N}]/u.test(decode(bytes, position, position + 4))) return undefined;
    return cutBehind(bytes, position - 1, position);
  }
}

const [SPACE, LINE_FEED] = [0x20, 0x0a];

/** A cut at `position`, if the character that ends at `end` is one that leaves ink. */
function cutBehind(bytes: Uint8Array, end: number, position: number): Cut | undefined {
  let anchorStart = end - 1;
  while (anchorStart > end - 4 && ((bytes[anchorStart] as number) & 0xc0) === 0x80) anchorStart--;
  const isVisible = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(decode(bytes, anchorStart, end));
  return isVisible ? { position, anchorStart } : undefined;
}

function reachesOver(name: Buffer, bytes: Uint8Array, position: number): boolean {
  const start = Math.max(0, position - name.length + 1);
  const around = bytes.subarray(start, position + name.length - 1);
  return Buffer.from(around.buffer, around.byteOffset, around.length).includes(name);
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start, end));
}
