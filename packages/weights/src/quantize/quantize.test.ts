import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QuantizationError } from "../errors.ts";
import reference from "../fixtures/quants.json" with { type: "json" };
import { dequantize, quantize, type StorageType, storedBytes } from "./quantize.ts";
import { combinedReport, quantizationReport } from "./report.ts";

const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));
const floatsOf = (base64: string): Float32Array => new Float32Array(bytesOf(base64).buffer);
const hex = (array: Uint8Array | Float32Array): string =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("hex");

/** Finite numbers that Python makes infinite are refused here. */
const orInfinite = (value: number): number => (Math.abs(value) < 65520 ? value : value * Infinity);

describe.each(["F16", "BF16", "Q8_0", "Q4_0"] as const)("%s", (type) => {
  const { stored, restored, values } = reference[type];

  it("stores the bits that Python's gguf does", () => {
    const given = floatsOf(values ?? reference.values);
    const stores = quantize(type === "F16" ? given.map(orInfinite) : given, type);
    expect(hex(stores)).toBe(hex(bytesOf(stored)));
  });

  it("restores the bits that Python's gguf does", () => {
    expect(hex(dequantize(bytesOf(stored), type))).toBe(hex(floatsOf(restored)));
  });

  it("reads bytes at any place in a buffer", () => {
    const shifted = new Uint8Array(bytesOf(stored).length + 1);
    shifted.set(bytesOf(stored), 1);
    expect(hex(dequantize(shifted.subarray(1), type))).toBe(hex(floatsOf(restored)));
  });

  it("refuses bytes that are cut", () => {
    expect(() => dequantize(bytesOf(stored).subarray(1), type)).toThrow(QuantizationError);
  });
});

const anyBlock = fc
  .float32Array({ minLength: 32, maxLength: 32, noNaN: true, noDefaultInfinity: true, min: -60000, max: 60000 })
  .map((values) => values.map((value) => (Math.abs(value) < 2 ** -12 ? 0 : value)));
const largest = (values: Float32Array): number => Math.max(...values.map(Math.abs));

describe("blocks", () => {
  it.each<[StorageType, number]>([
    ["Q8_0", 0.5 / 127],
    ["Q4_0", 1 / 8],
  ])("%s keeps every value within its step of the block's largest", (type, step) => {
    fc.assert(
      fc.property(anyBlock, (values) => {
        const { maxError } = quantizationReport(values, dequantize(quantize(values, type), type));
        expect(maxError).toBeLessThanOrEqual(largest(values) * (step + 2 ** -10)); // the scale's own rounding
      }),
    );
  });

  it("take 34 and 18 bytes", () => {
    expect(storedBytes("Q8_0", 64)).toBe(quantize(new Float32Array(64), "Q8_0").length);
    expect(storedBytes("Q4_0", 64)).toBe(quantize(new Float32Array(64), "Q4_0").length);
    expect([storedBytes("Q8_0", 32), storedBytes("Q4_0", 32)]).toEqual([34, 18]);
  });

  it("give minus zero for a Q4_0 block of zeros, as ggml does, whatever the zeros' sign", () => {
    expect([...quantize(new Float32Array(32).fill(-0), "Q4_0").subarray(0, 3)]).toEqual([0, 0x80, 0x88]);
  });

  it.each(["Q8_0", "Q4_0"] as const)("%s refuses what it cannot hold, and says where it is", (type) => {
    const with37 = (value: number): Float32Array => new Float32Array(64).fill(value, 37, 38);
    expect(() => quantize(with37(Number.NaN), type)).toThrow(`${type}: value 37 is not a number.`);
    expect(() => quantize(with37(-Infinity), type)).toThrow(`${type}: value 37 is infinite.`);
    expect(() => quantize(with37(1e9), type)).toThrow("passes 65504");
    expect(() => quantize(new Float32Array(33), type)).toThrow("33 values do not fill blocks of 32");
  });
});

it.each([
  ["F16", 65519, 65520],
  ["BF16", 3.3895e38, 3.4e38],
] as const)("%s refuses a finite number that would become infinite, and says where it is", (type, fits, tooLarge) => {
  const with37 = (value: number): Float32Array => new Float32Array(64).fill(value, 37, 38);
  for (const sign of [1, -1]) {
    expect(dequantize(quantize(with37(sign * fits), type), type)[37] / (sign * fits)).toBeCloseTo(1, 2);
    expect(() => quantize(with37(sign * tooLarge), type)).toThrow(QuantizationError);
  }
  expect(() => quantize(with37(tooLarge), type)).toThrow(`${type}: value 37 is ${Math.fround(tooLarge)}, beyond`);
  expect(dequantize(quantize(with37(-Infinity), type), type)[37]).toBe(-Infinity);
});

describe("quantizationReport", () => {
  it("gives the root mean square and the largest of the differences", () => {
    const report = quantizationReport(Float32Array.of(3, 0, -4, 0), Float32Array.of(3, 2, -4, -2));
    expect(report).toEqual({
      count: 4,
      rmse: Math.SQRT2,
      relativeRmse: Math.sqrt(8 / 25),
      maxError: 2,
      rms: 2.5,
    });
  });

  it("is zero for nothing and for equals, and keeps a NaN", () => {
    const zero = { rmse: 0, relativeRmse: 0, maxError: 0, rms: 0 };
    expect(quantizationReport(new Float32Array(0), new Float32Array(0))).toEqual({ count: 0, ...zero });
    expect(quantizationReport(new Float32Array(3), new Float32Array(3))).toEqual({ count: 3, ...zero });
    expect(quantizationReport(Float32Array.of(1), Float32Array.of(Number.NaN)).maxError).toBeNaN();
  });

  it("of a whole is that of its parts together, exact ones too", () => {
    const values = Float32Array.from({ length: 96 }, (_, i) => Math.sin(i));
    const restored = dequantize(quantize(values, "Q4_0"), "Q4_0");
    restored.set(values.subarray(0, 32));
    const ranges = [[0, 32], [32, 32], [32, 90], [90, 96]]; // biome-ignore format: short
    const parts = ranges.map((range) => quantizationReport(values.subarray(...range), restored.subarray(...range)));
    const whole = quantizationReport(values, restored);
    const combined = combinedReport(parts);
    for (const [field, value] of Object.entries(whole)) {
      expect(combined[field as keyof typeof combined], field).toBeCloseTo(value, 12);
    }
    expect(combinedReport([])).toEqual(quantizationReport(new Float32Array(0), new Float32Array(0)));
  });
});
