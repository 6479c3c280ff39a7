// Sixteen-bit floats as bit patterns. Both directions keep the payload of a NaN, so 16 → 32 → 16 bits is the identity.

/** `bits >> shift`, rounded to nearest, ties to even. */
const shiftRounded = (bits: number, shift: number): number =>
  (bits + 2 ** (shift - 1) - 1 + ((bits >>> shift) & 1)) >>> shift;

/** IEEE binary16 → the bits of the equal float32. */
export function float16ToFloat32(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  const shift = Math.clz32(fraction) - 21; // moves the leading one of a subnormal to bit 10, where it is implied
  return sign | ((113 - shift) << 23) | ((fraction << (shift + 13)) & 0x7fffff);
}

/** The bits of a float32 → IEEE binary16, to nearest even; beyond 65504 (65520 and up) it is infinite. */
export function float32ToFloat16(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7c00 | ((magnitude >>> 13) & 0x3ff || 0x200);
  if (magnitude >= 0x47800000) return sign | 0x7c00;
  if (magnitude >= 0x38800000) return sign | shiftRounded(magnitude - 0x38000000, 13);
  const shift = 126 - (magnitude >>> 23); // below 2⁻¹⁴ the result counts multiples of 2⁻²⁴
  return shift > 24 ? sign : sign | shiftRounded((magnitude & 0x7fffff) | 0x800000, shift);
}

/** bfloat16 → the bits of the equal float32. */
export const bfloat16ToFloat32 = (bits: number): number => bits << 16;

/** The bits of a float32 → bfloat16, to nearest even. */
export function float32ToBfloat16(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | ((bits >>> 16) & 0x7f ? 0 : 0x40);
  return shiftRounded(bits >>> 0, 16);
}
