import { writeFileAtomic } from "../atomic.ts";
import { fileSource } from "../file-source.ts";
import type { TensorToWrite } from "../tensor.ts";
import { encodeSafetensors, openSafetensors, type TensorFile } from "./safetensors.ts";

/**
 * Opens a safetensors file: its header is read and checked, tensors are read when asked for. Close it when done.
 * @throws ReadError, SafetensorsError
 */
export async function openSafetensorsFile(path: string): Promise<TensorFile> {
  const source = await fileSource(path);
  try {
    return await openSafetensors(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

/**
 * Writes tensors to a safetensors file, which appears whole or not at all. See `encodeSafetensors`; between two tensors
 * the event loop runs.
 * @throws WriteError, TensorDataError; errors of a tensor's `read` pass through
 */
export const writeSafetensorsFile = (
  path: string,
  tensors: Iterable<readonly [string, TensorToWrite]>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> => writeFileAtomic(path, encodeSafetensors(tensors, metadata));
