import { decodeData, narrowed } from "../dtypes.ts";
import { QuantizationError } from "../errors.ts";
import { BLOCK_VALUES } from "./blocks.ts";
import { dequantizeQ4_0, Q4_0_BYTES, quantizeQ4_0 } from "./q4-0.ts";
import { dequantizeQ8_0, Q8_0_BYTES, quantizeQ8_0 } from "./q8-0.ts";

/** How floating-point values are stored, by ggml's names: each alone, or in blocks of 32 with one scale. */
export type StorageType = "F32" | "F16" | "BF16" | "Q8_0" | "Q4_0";

interface Storage {
  /** Values in a block; 1 where each is stored alone. */
  readonly blockValues: number;
  /** Bytes of a block. */
  readonly blockBytes: number;
  encode(values: Float32Array): Uint8Array;
  decode(bytes: Uint8Array): Float32Array;
}

/** From here on numbers round to infinity. */
const BEYOND = { F16: 65520, BF16: 2 ** 127 * (2 - 2 ** -8) };

const STORAGES: Readonly<Record<StorageType, Storage>> = {
  F32: { blockValues: 1, blockBytes: 4, encode: bytesOf, decode: decodeAlone("F32", 4) },
  F16: { blockValues: 1, blockBytes: 2, encode: halves("F16"), decode: decodeAlone("F16", 2) },
  BF16: { blockValues: 1, blockBytes: 2, encode: halves("BF16"), decode: decodeAlone("BF16", 2) },
  Q8_0: { blockValues: BLOCK_VALUES, blockBytes: Q8_0_BYTES, encode: quantizeQ8_0, decode: dequantizeQ8_0 },
  Q4_0: { blockValues: BLOCK_VALUES, blockBytes: Q4_0_BYTES, encode: quantizeQ4_0, decode: dequantizeQ4_0 },
};

/** Every storage type. */
export const STORAGE_TYPES = Object.keys(STORAGES) as readonly StorageType[];

export const isStorageType = (name: string): name is StorageType => Object.hasOwn(STORAGES, name);

/** Values in a block of `type`; 1 where each value is stored alone. */
export const blockValues = (type: StorageType): number => STORAGES[type].blockValues;

/** Bytes of `count` values stored as `type`; `count` fills whole blocks. */
export function storedBytes(type: StorageType, count: number): number {
  return (count / STORAGES[type].blockValues) * STORAGES[type].blockBytes;
}

/**
 * float32 values → their bytes in memory and on disk. F16 and BF16 round to nearest even; Q8_0 and Q4_0 are blocks of
 * 32 values, bit for bit as ggml's reference quantises.
 * @param values their number is a multiple of 32 for Q8_0 and Q4_0, whose blocks also refuse NaN, ±∞ and a scale
 * beyond a float16; for F16 and BF16 no finite one lies beyond them
 * @throws QuantizationError
 */
export const quantize = (values: Float32Array, type: StorageType): Uint8Array => STORAGES[type].encode(values);

/** Bytes as `quantize` gives them → float32 values. @throws QuantizationError for bytes that are no whole blocks */
export const dequantize = (bytes: Uint8Array, type: StorageType): Float32Array => STORAGES[type].decode(bytes);

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** @throws QuantizationError where a finite number would become infinite */
function halves(type: "F16" | "BF16"): (values: Float32Array) => Uint8Array {
  const beyond = BEYOND[type];
  return (values) => {
    for (let i = 0; i < values.length; i++) {
      const magnitude = Math.abs(values[i]);
      if (magnitude >= beyond && magnitude < Number.POSITIVE_INFINITY) {
        throw new QuantizationError(type, `value ${i} is ${values[i]}, beyond the largest ${type}`);
      }
    }
    return narrowed(type, values);
  };
}

function decodeAlone(type: "F32" | "F16" | "BF16", bytesEach: number): (bytes: Uint8Array) => Float32Array {
  return (bytes) => {
    if (bytes.length % bytesEach === 0) return decodeData(type, bytes) as Float32Array;
    throw new QuantizationError(type, `${bytes.length} bytes are not whole values of ${bytesEach}`);
  };
}
