import { openGgufFile } from "@tessera-lm/weights/node";
import { type GgufModel, type ReadGgufOptions, readGguf } from "./read-gguf.ts";

export type LoadGgufOptions = Omit<ReadGgufOptions, "place">;

/**
 * Opens a model of llama.cpp: GPT-2, Llama, Mistral or Qwen2 in F32, F16, BF16, Q8_0 or Q4_0. Matrices stay as they are in
 * the file, and are computed with in float32; such a model is run, not trained. Tensors are read one at a time.
 * @throws {ModelFileError | UnsupportedModelError | ConfigError | TensorMismatchError | TokenizerMismatchError} as `readGguf`
 * @throws {ReadError | GgufError | WrongFormatError} of `@tessera-lm/weights`, for a file that is missing or damaged
 */
export async function loadGguf(path: string, options: LoadGgufOptions = {}): Promise<GgufModel> {
  const file = await openGgufFile(path);
  try {
    return await readGguf(file, { ...options, place: path });
  } finally {
    await file.close();
  }
}
