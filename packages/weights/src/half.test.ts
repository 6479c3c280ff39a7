import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half.ts";

interface HalfBits {
  readonly float32: readonly number[];
  readonly float16: readonly number[];
  readonly bfloat16: readonly number[];
}
const torch = JSON.parse(readFileSync(new URL("./fixtures/half-bits.json", import.meta.url), "utf8")) as HalfBits;
const everyHalf = Array.from({ length: 0x10000 }, (_, bits) => bits);

const floatOf = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0];

/** What IEEE 754 says that the bits of a binary16 mean. */
function binary16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

describe("float16", () => {
  it("widens every bit pattern to its value", () => {
    for (const bits of everyHalf) expect(floatOf(float16ToFloat32(bits))).toBe(binary16(bits));
  });

  it("keeps every bit pattern through float32 and back, the payloads of NaN too", () => {
    expect(everyHalf.map((bits) => float32ToFloat16(float16ToFloat32(bits)))).toEqual(everyHalf);
  });

  it("rounds as torch does", () => {
    expect(torch.float32.map(float32ToFloat16)).toEqual(torch.float16);
  });

  it("keeps a NaN a NaN when its payload lies in the bits that are cut off", () => {
    expect(float32ToFloat16(0x7f800001)).toBe(0x7e00);
    expect(float32ToFloat16(0xff800001)).toBe(0xfe00);
  });
});

describe("bfloat16", () => {
  it("keeps every bit pattern through float32 and back", () => {
    expect(everyHalf.map((bits) => float32ToBfloat16(bfloat16ToFloat32(bits)))).toEqual(everyHalf);
  });

  it("is the upper half of a float32", () => {
    expect(floatOf(bfloat16ToFloat32(0x3f80))).toBe(1);
    expect(floatOf(bfloat16ToFloat32(0xc020))).toBe(-2.5);
  });

  it("rounds as torch does", () => {
    expect(torch.float32.map(float32ToBfloat16)).toEqual(torch.bfloat16);
  });

  it("keeps a NaN a NaN when its payload lies in the bits that are cut off", () => {
    expect(float32ToBfloat16(0x7f800001)).toBe(0x7fc0);
    expect(float32ToBfloat16(0xff800001)).toBe(0xffc0);
  });
});
