import { fileSource } from "@tessera-lm/weights/node";
import type { Decoder } from "../decoder/decoder.ts";
import { isLlama2c, readLlama2c } from "./read-llama2c.ts";

/**
 * Opens a model of llama2.c: a `.bin` file, as `readLlama2c` reads it.
 * @throws {ModelFileError | ConfigError} as `readLlama2c`
 * @throws {ReadError} of `@tessera-lm/weights`, for a file that cannot be read
 */
export async function loadLlama2c(path: string): Promise<Decoder> {
  const source = await fileSource(path);
  try {
    return await readLlama2c(source);
  } finally {
    await source.close();
  }
}

/** Whether a file is a model of llama2.c, by its header and its length. */
export async function holdsLlama2c(path: string): Promise<boolean> {
  const source = await fileSource(path);
  try {
    return await isLlama2c(source);
  } finally {
    await source.close();
  }
}
