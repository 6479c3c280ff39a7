import { tensor1d } from "@tensorflow/tfjs";
import type { StoredMatrix } from "@tessera-lm/ops";
import { blockValues, dequantize, quantize, type StorageType, storedBytes } from "@tessera-lm/weights";

/** A matrix in the backend from its bytes, as GGUF has them. */
export function storedMatrix(
  bytes: Uint8Array,
  format: StorageType,
  shape: readonly [outputs: number, inputs: number],
): StoredMatrix {
  const words = tensor1d(wholeWords(bytes), "int32");
  return { format, shape, words, unpack: () => dequantize(bytesIn(words.dataSync<"int32">(), bytes.length), format) };
}

/** Rows of float32 numbers, (O, I), in a format that holds them: F16 where rows are no whole blocks, as in llama.cpp. */
export function quantizedMatrix(
  rows: Float32Array,
  type: StorageType,
  shape: readonly [outputs: number, inputs: number],
): StoredMatrix {
  const format = formatFor(type, shape[1]);
  return storedMatrix(quantize(rows, format), format, shape);
}

/** `type`, or F16 where rows of so many numbers are no whole blocks of it. */
export const formatFor = (type: StorageType, inputs: number): StorageType =>
  inputs % blockValues(type) === 0 ? type : "F16";

/** The bytes of a matrix, as GGUF has them, from the backend. */
export async function bytesOf(matrix: StoredMatrix): Promise<Uint8Array> {
  return bytesIn(await matrix.words.data<"int32">(), sizeOf(matrix));
}

/** How many bytes a matrix takes. */
export const sizeOf = ({ format, shape: [outputs, inputs] }: Pick<StoredMatrix, "format" | "shape">): number =>
  storedBytes(format, outputs * inputs);

const bytesIn = (words: Int32Array, length: number): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, length);

function wholeWords(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = bytes;
  if (byteOffset % 4 === 0 && length % 4 === 0) return new Int32Array(buffer, byteOffset, length / 4);
  const words = new Int32Array(Math.ceil(length / 4));
  new Uint8Array(words.buffer).set(bytes);
  return words;
}
