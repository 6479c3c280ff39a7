import { tensor1d } from "@tensorflow/tfjs";
import type { StoredMatrix } from "@tessera-lm/ops";
import {
  blockValues,
  dequantize,
  QuantizationError,
  quantize,
  type StorageType,
  storedBytes,
} from "@tessera-lm/weights";
import { requireStorageType } from "./storage-type.ts";

/** A matrix in the backend from its bytes, as GGUF has them. */
export function storedMatrix(
  bytes: Uint8Array,
  format: StorageType,
  shape: readonly [outputs: number, inputs: number],
): StoredMatrix {
  const words = tensor1d(wholeWords(bytes), "int32");
  return { format, shape, words, unpack: () => dequantize(bytesIn(words.dataSync<"int32">(), bytes.length), format) };
}

/** A matrix that is quantised one part after the other, so that it is never there in float32. */
export class QuantizedParts {
  /** As asked for, or F16 where rows are no whole blocks, as in llama.cpp. */
  readonly format: StorageType;
  readonly #name: string;
  readonly #shape: readonly [outputs: number, inputs: number];
  readonly #bytes: Uint8Array;

  /** @param name for messages */
  constructor(name: string, type: StorageType, shape: readonly [outputs: number, inputs: number]) {
    this.format = formatFor(type, shape[1]);
    this.#name = name;
    this.#shape = shape;
    this.#bytes = new Uint8Array(new Int32Array(Math.ceil(sizeOf({ format: this.format, shape }) / 4)).buffer);
  }

  /**
   * Quantises a part.
   * @param values (rows, width): whole blocks
   * @param row where it begins
   * @param column where it begins
   * @returns its bytes
   * @throws {QuantizationError} for numbers that the format cannot hold
   */
  put(values: Float32Array, width: number, row: number, column = 0): Uint8Array {
    const blocks = this.#quantized(values, row, column);
    const [whole, part] = [this.#shape[1], width].map((inputs) => storedBytes(this.format, inputs));
    const first = row * whole + storedBytes(this.format, column);
    for (let i = 0; i * part < blocks.length; i++) {
      this.#bytes.set(blocks.subarray(i * part, (i + 1) * part), first + i * whole);
    }
    return blocks;
  }

  /** In the backend. */
  matrix(): StoredMatrix {
    const { format } = this;
    const [shape, length] = [this.#shape, sizeOf({ format, shape: this.#shape })];
    return storedMatrix(this.#bytes.subarray(0, length), format, shape);
  }

  #quantized(values: Float32Array, row: number, column: number): Uint8Array {
    try {
      return quantize(values, this.format);
    } catch (error) {
      if (!(error instanceof QuantizationError)) throw error;
      const problem = error.message.replace(`${error.type}: `, "").replace(/\.$/, "");
      throw new QuantizationError(error.type, `${this.#name}, part from (${row}, ${column}) on: ${problem}`);
    }
  }
}

/** `type`, or F16 where rows of so many numbers are no whole blocks of it. */
export const formatFor = (type: StorageType, inputs: number): StorageType =>
  inputs % blockValues(requireStorageType(type)) === 0 ? type : "F16";

/** The bytes of a matrix, as GGUF has them, from the backend. */
export async function bytesOf(matrix: StoredMatrix): Promise<Uint8Array> {
  return bytesIn(await matrix.words.data<"int32">(), sizeOf(matrix));
}

/** How many bytes a matrix takes. */
export const sizeOf = ({ format, shape: [outputs, inputs] }: Pick<StoredMatrix, "format" | "shape">): number =>
  storedBytes(format, outputs * inputs);

const bytesIn = (words: Int32Array, length: number): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset, length);

/** The same memory where it has room for whole words. */
function wholeWords(bytes: Uint8Array): Int32Array {
  const { buffer, byteOffset, length } = bytes;
  const count = Math.ceil(length / 4);
  if (byteOffset % 4 === 0 && buffer.byteLength >= byteOffset + 4 * count)
    return new Int32Array(buffer, byteOffset, count);
  const words = new Int32Array(count);
  new Uint8Array(words.buffer).set(bytes);
  return words;
}
