import { type ByteSource, readRange } from "./byte-source.ts";
import { GgufError, SafetensorsError, WrongFormatError } from "./errors.ts";

type Format = "safetensors" | "GGUF";

/** Enough of a file to tell what it is. */
const PREFIX_BYTES = 512;

export const HOW_TO_CONVERT: string =
  "It is not opened here, because reading a pickle runs whatever code it carries. With Python, convert it once: " +
  "transformers' from_pretrained(folder).save_pretrained(newFolder) writes safetensors, and so does " +
  "safetensors.torch.save_file(torch.load(file, weights_only=True), newFile)";

/** What people mistake for the files that are read here: how each begins, what it is, what to do. */
const LOOKALIKES: readonly (readonly [begins: RegExp, found: string, advice: string])[] = [
  [/^GGUF/, "a GGUF file", "Open it with openGgufFile"],
  [/^.{4}\0{4}\{/s, "a safetensors file", "Open it with openSafetensorsFile"],
  [/^PK\x03\x04.*\.pkl/s, "a PyTorch pickle in a zip file", HOW_TO_CONVERT],
  [/^PK\x03\x04/, "a zip file", "Unpack it and open the weight file inside"],
  [/^\x80[\x02-\x05](?!..\0{4}\{)/s, "a pickle, as older PyTorch files are", HOW_TO_CONVERT],
  [/^\x89HDF/, "an HDF5 file, as TensorFlow and Keras write", "Convert it to safetensors with transformers"],
  [/^version https:\/\/git-lfs/, "a Git LFS pointer without the file", "Fetch the file itself: git lfs pull"],
  [/^(lmgg|fmgg|tjgg|algg)/, "a GGML file from before GGUF", "Convert the model again with llama.cpp"],
  [/^\s*<(!doctype|html)/i, "a web page", "The download gave an error page: download the file again"],
];

/** Runs `open`; where the bytes break the format because they are of another, the error says which. */
export async function orWrongFormat<T>(source: ByteSource, expected: Format, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof SafetensorsError || error instanceof GgufError)) throw error;
    const prefix = await readRange(source, 0, Math.min(PREFIX_BYTES, source.size));
    const text = Array.from(prefix, (byte) => String.fromCharCode(byte)).join("");
    const other = LOOKALIKES.find(([begins, found]) => found !== `a ${expected} file` && begins.test(text));
    if (other === undefined) throw error;
    throw new WrongFormatError(source.name, expected, other[1], other[2], { cause: error });
  }
}
