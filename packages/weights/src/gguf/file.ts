import { writeFileAtomic } from "../atomic.ts";
import { fileSource } from "../file-source.ts";
import { encodeGguf, type GgufTensorToWrite } from "./encode.ts";
import { type GgufFile, openGguf } from "./gguf.ts";
import type { GgufValue } from "./values.ts";

/**
 * Opens a GGUF file: its header is read and checked, tensors are read when asked for. Close it when done.
 * @throws ReadError, GgufError, WrongFormatError
 */
export async function openGgufFile(path: string): Promise<GgufFile> {
  const source = await fileSource(path);
  try {
    return await openGguf(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Writes tensors and metadata to a GGUF file, which appears whole or not at all. See `encodeGguf`.
 * @throws WriteError, TensorDataError, MetadataError; errors of a tensor's `read` pass through
 */
export const writeGgufFile = (
  path: string,
  tensors: Iterable<readonly [string, GgufTensorToWrite]>,
  metadata?: Iterable<readonly [string, GgufValue]>,
): Promise<void> => writeFileAtomic(path, encodeGguf(tensors, metadata));
