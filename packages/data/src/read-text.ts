import { constants } from "node:buffer";
import { readFile } from "node:fs/promises";
import { BinaryTextError, EmptyTextError, MissingFileError, UnreadableFileError } from "./errors.ts";

/**
 * The whole of a UTF-8 text file, exactly as it stands: no newline is changed, no byte order mark taken off.
 * @throws MissingFileError, UnreadableFileError (a folder, forbidden, too large for one string), EmptyTextError,
 *   BinaryTextError (a NUL byte or invalid UTF-8, with its offset)
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => fail(path, error));
  if (bytes.length === 0) throw new EmptyTextError(`${path} is empty`);
  if (bytes.length > constants.MAX_STRING_LENGTH) {
    throw new UnreadableFileError(path, `its ${bytes.length} bytes do not fit into one string; cut it into documents`);
  }
  const zero = bytes.indexOf(0);
  if (zero >= 0) throw new BinaryTextError(path, zero, "there is a NUL byte");
  try {
    return decoder().decode(bytes);
  } catch {
    throw new BinaryTextError(path, firstInvalid(bytes), "there is a sequence that is not UTF-8");
  }
}

const decoder = (): InstanceType<typeof TextDecoder> => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Where the first sequence begins that is not UTF-8: after the longest text that some prefix holds. */
function firstInvalid(bytes: Uint8Array): number {
  let valid = 0; // a length whose prefix may be cut inside a character, but is not wrong
  let invalid = bytes.length + 1;
  while (invalid - valid > 1) {
    const middle = Math.floor((valid + invalid) / 2);
    if (textOf(bytes.subarray(0, middle)) === undefined) invalid = middle;
    else valid = middle;
  }
  return Buffer.byteLength(textOf(bytes.subarray(0, valid)) ?? "");
}

/** The whole characters that the bytes hold, or undefined where they hold something else before their end. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder().decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}

function fail(path: string, error: unknown): never {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") throw new MissingFileError(path);
  if (code === "EISDIR") throw new UnreadableFileError(path, "it is a folder; choose a text file");
  if (code === "EACCES") throw new UnreadableFileError(path, "permission is denied");
  throw new UnreadableFileError(path, message, { cause: error });
}
