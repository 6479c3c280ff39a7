import type { TokenList } from "../byte-pair/token-list.ts";
import { MalformedTokenizerError } from "../errors.ts";
import { decodeBase64 } from "./base64.ts";

const [LINE_FEED, RETURN, SPACE, EQUALS, ZERO] = [0x0a, 0x0d, 0x20, 0x3d, 0x30] as const;

/** No published rank has more digits. */
const MOST_DIGITS = 8;

/**
 * The lines of a `.tiktoken` file: a token in base64, a space, its rank. They are read byte by byte into flat arrays,
 * without a string or an object for each; only a line that is not as it should be is read again as text.
 *
 * @throws MalformedTokenizerError naming the line at fault
 */
export function readRanks(text: string): TokenList {
  const file = new TextEncoder().encode(text);
  const bytes = new Uint8Array(file.length);
  const ends = new Int32Array(1 + (file.length >> 2)); // the shortest line is "YQ 0"
  const ids = new Float64Array(ends.length);
  let [count, end] = [0, 0];
  for (let start = 0, line = 1, lineFeed = 0; start < file.length; start = lineFeed + 1, line++) {
    lineFeed = lineFeedAfter(file, start);
    const stop = file[lineFeed - 1] === RETURN ? lineFeed - 1 : lineFeed;
    if (stop <= start) continue;
    const space = spaceBeforeDigits(file, start, stop);
    const isRegular = space > start && writeBase64(file, start, space, bytes, end);
    if (isRegular) {
      end += bytesIn(file, start, space);
      ids[count] = readDigits(file, space + 1, stop);
    } else {
      const read = readLine(file.subarray(start, stop), `ranks, line ${line}`);
      bytes.set(read.bytes, end);
      end += read.bytes.length;
      ids[count] = read.rank;
    }
    ends[count++] = end;
  }
  return { count, bytes, ends, ids, place: (index) => placeOf(text, index) };
}

function lineFeedAfter(file: Uint8Array, start: number): number {
  let at = start;
  while (at < file.length && file[at] !== LINE_FEED) at++;
  return at;
}

/** Where the space stands before the digits at the end of a line; −1 if it is otherwise. */
function spaceBeforeDigits(file: Uint8Array, start: number, stop: number): number {
  let at = stop - 1;
  while (at > start && isDigit(file[at] as number)) at--;
  const digits = stop - 1 - at;
  return file[at] === SPACE && digits > 0 && digits <= MOST_DIGITS ? at : -1;
}

function readDigits(file: Uint8Array, start: number, stop: number): number {
  let value = 0;
  for (let at = start; at < stop; at++) value = 10 * value + (file[at] as number) - ZERO;
  return value;
}

/** Writes what padded base64 stands for; false if it is something else. */
function writeBase64(file: Uint8Array, start: number, stop: number, bytes: Uint8Array, to: number): boolean {
  if ((stop - start) % 4 !== 0) return false;
  const last = stop - padding(file, stop);
  let [held, bits, at] = [0, 0, to];
  for (let i = start; i < last; i++) {
    const value = sextets[file[i] as number] as number;
    if (value < 0) return false;
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits;
    }
  }
  return true;
}

function bytesIn(file: Uint8Array, start: number, stop: number): number {
  return (3 * (stop - start)) / 4 - padding(file, stop);
}

function padding(file: Uint8Array, stop: number): number {
  return file[stop - 1] !== EQUALS ? 0 : file[stop - 2] !== EQUALS ? 1 : 2;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte < ZERO + 10;
}

/** By the character that stands for them; −1 for any other. */
const sextets: Int8Array = new Int8Array(256).fill(-1);
"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".split("").forEach((character, value) => {
  sextets[character.charCodeAt(0)] = value;
});

function readLine(line: Uint8Array, place: string): { readonly bytes: Uint8Array; readonly rank: number } {
  const text = new TextDecoder().decode(line);
  const [, base64, rank] = /^([A-Za-z0-9+/]+=*) (\d+)$/.exec(text) ?? [];
  if (base64 !== undefined) return { bytes: decodeBase64(base64, place), rank: Number(rank) };
  const problem = `expected base64 and a rank, found ${JSON.stringify(text.slice(0, 60))}.`;
  throw new MalformedTokenizerError(place, problem);
}

/** Where the line stands that is the `index`th which is not empty. */
function placeOf(text: string, index: number): string {
  const lines = [...text.split(/\r?\n/).entries()].filter(([, line]) => line !== "");
  return `ranks, line ${(lines[index]?.[0] ?? 0) + 1}`;
}
