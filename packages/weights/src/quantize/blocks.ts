import { QuantizationError } from "../errors.ts";
import { float16ToFloat32, float32ToFloat16 } from "../half.ts";

/** Values that share one scale, in both block types. */
export const BLOCK_VALUES = 32;

/** Bytes of a block's scale, a float16, which comes first. */
export const SCALE_BYTES = 2;

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

/** The number of blocks that hold `count` values. @throws QuantizationError unless they fill them */
export function blockCount(type: string, count: number): number {
  if (count % BLOCK_VALUES === 0) return count / BLOCK_VALUES;
  throw new QuantizationError(type, `${count} values do not fill blocks of ${BLOCK_VALUES}`);
}

/** The number of blocks of `blockBytes` in `bytes`. @throws QuantizationError unless they are whole */
export function wholeBlocks(type: string, bytes: Uint8Array, blockBytes: number): number {
  if (bytes.length % blockBytes === 0) return bytes.length / blockBytes;
  throw new QuantizationError(type, `${bytes.length} bytes are not whole blocks of ${blockBytes}`);
}

/**
 * The place of the first value of largest magnitude in the block from `start` on.
 * @param bits the values' bit patterns: without their sign they are ordered as the magnitudes are, NaN last
 * @throws QuantizationError for NaN and ±∞, which no block can hold
 */
export function largestOfBlock(type: string, bits: Uint32Array, start: number): number {
  let largest = -1;
  let at = start;
  for (let i = start; i < start + BLOCK_VALUES; i++) {
    const magnitude = bits[i] & 0x7fffffff;
    if (magnitude > largest) {
      largest = magnitude;
      at = i;
    }
  }
  if (largest < 0x7f800000) return at;
  throw new QuantizationError(type, `value ${at} is ${largest > 0x7f800000 ? "not a number" : "infinite"}`);
}

/** Puts a scale into `blocks` as a float16. @throws QuantizationError where it is beyond a float16 */
export function putScale(type: string, blocks: Uint8Array, at: number, scale: number): void {
  float[0] = scale;
  const half = float32ToFloat16(floatBits[0]);
  if ((half & 0x7fff) === 0x7c00) {
    throw new QuantizationError(type, `the scale ${scale} of block at byte ${at} passes 65504, the largest float16`);
  }
  blocks[at] = half;
  blocks[at + 1] = half >>> 8;
}

/** The scale that `putScale` put there. */
export function scaleAt(blocks: Uint8Array, at: number): number {
  floatBits[0] = float16ToFloat32(blocks[at] | (blocks[at + 1] << 8));
  return float[0];
}

/** The same memory as bit patterns. */
export const bitsOf = ({ buffer, byteOffset, length }: Float32Array): Uint32Array =>
  new Uint32Array(buffer, byteOffset, length);
