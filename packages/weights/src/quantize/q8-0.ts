import {
  BLOCK_VALUES,
  bitsOf,
  blockCount,
  largestOfBlock,
  putScale,
  SCALE_BYTES,
  scaleAt,
  wholeBlocks,
} from "./blocks.ts";

/** A block: the scale, then one int8 per value. */
export const Q8_0_BYTES: number = SCALE_BYTES + BLOCK_VALUES;

/** By the sign bit of a value; asking for the sign instead would mispredict every other time, and take twice as long. */
const HALVES: Float64Array = Float64Array.of(0.5, -0.5);

/**
 * `d = max|x| / 127`, `q = round(x / d)`, halves away from zero: 8.5 bits per value, bit for bit as ggml's
 * `quantize_row_q8_0_ref`, which divides by the float32 `d` and stores it as float16.
 * @throws QuantizationError
 */
export function quantizeQ8_0(values: Float32Array): Uint8Array {
  const count = blockCount("Q8_0", values.length);
  const blocks = new Uint8Array(count * Q8_0_BYTES);
  const quants = new Int8Array(blocks.buffer);
  const bits = bitsOf(values);
  for (let block = 0; block < count; block++) {
    const start = block * BLOCK_VALUES;
    const at = block * Q8_0_BYTES;
    const scale = Math.fround(Math.abs(values[largestOfBlock("Q8_0", bits, start)]) / 127);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    putScale("Q8_0", blocks, at, scale);
    for (let i = 0; i < BLOCK_VALUES; i++) {
      const scaled = Math.fround(values[start + i] * inverse);
      quants[at + SCALE_BYTES + i] = scaled + HALVES[bits[start + i] >>> 31]; // the array drops the fraction
    }
  }
  return blocks;
}

/** `x = d · q`. @throws QuantizationError */
export function dequantizeQ8_0(blocks: Uint8Array): Float32Array {
  const count = wholeBlocks("Q8_0", blocks, Q8_0_BYTES);
  const values = new Float32Array(count * BLOCK_VALUES);
  const quants = new Int8Array(blocks.buffer, blocks.byteOffset, blocks.length);
  for (let block = 0; block < count; block++) {
    const at = block * Q8_0_BYTES;
    const scale = scaleAt(blocks, at);
    for (let i = 0; i < BLOCK_VALUES; i++) values[block * BLOCK_VALUES + i] = scale * quants[at + SCALE_BYTES + i];
  }
  return values;
}
