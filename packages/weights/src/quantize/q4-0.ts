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

/** Byte j holds value j in its low half and value j + 16 in its high half. */
const HALF = BLOCK_VALUES / 2;

/** A block: the scale, then four bits per value. */
export const Q4_0_BYTES: number = SCALE_BYTES + HALF;

/**
 * `d = m / −8` with m the value of largest magnitude, sign included; `q = min(15, ⌊x / d + 8.5⌋)`: 4.5 bits per value,
 * bit for bit as ggml's `quantize_row_q4_0_ref`, which divides by the float32 `d` and stores it as float16. So m itself
 * is kept (q = 0), and −m is cut to 7/8 of its size (q = 15).
 * @throws QuantizationError
 */
export function quantizeQ4_0(values: Float32Array): Uint8Array {
  const count = blockCount("Q4_0", values.length);
  const blocks = new Uint8Array(count * Q4_0_BYTES);
  const bits = bitsOf(values);
  for (let block = 0; block < count; block++) {
    const start = block * BLOCK_VALUES;
    const at = block * Q4_0_BYTES;
    const scale = Math.fround(values[largestOfBlock("Q4_0", bits, start)] / -8);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    putScale("Q4_0", blocks, at, scale === 0 ? -0 : scale); // ggml divides a positive zero by −8
    for (let i = 0; i < HALF; i++) {
      const low = nibble(values[start + i], inverse);
      blocks[at + SCALE_BYTES + i] = low | (nibble(values[start + HALF + i], inverse) << 4);
    }
  }
  return blocks;
}

function nibble(value: number, inverse: number): number {
  const quant = Math.fround(Math.fround(value * inverse) + 8.5) | 0;
  return quant < 15 ? quant : 15;
}

/** `x = d · (q − 8)`. @throws QuantizationError */
export function dequantizeQ4_0(blocks: Uint8Array): Float32Array {
  const count = wholeBlocks("Q4_0", blocks, Q4_0_BYTES);
  const values = new Float32Array(count * BLOCK_VALUES);
  for (let block = 0; block < count; block++) {
    const at = block * Q4_0_BYTES;
    const start = block * BLOCK_VALUES;
    const scale = scaleAt(blocks, at);
    for (let i = 0; i < HALF; i++) {
      const pair = blocks[at + SCALE_BYTES + i];
      values[start + i] = scale * ((pair & 15) - 8);
      values[start + HALF + i] = scale * ((pair >>> 4) - 8);
    }
  }
  return values;
}
