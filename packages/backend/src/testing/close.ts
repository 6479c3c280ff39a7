import { expect } from "vitest";
import type { OnBoth } from "./on-backend.ts";

/** Expects the same shape, and numbers that differ by rounding only. */
export function expectClose({ wasm, cpu }: OnBoth, tolerance = 1e-4): void {
  expect(wasm.shape).toEqual(cpu.shape);
  expect(wasm.values.length).toBe(cpu.values.length);
  for (const [i, value] of wasm.values.entries()) {
    const expected = cpu.values[i] as number;
    if (Math.abs(value - expected) <= tolerance * (1 + Math.abs(expected))) continue;
    expect.fail(`at ${i} of (${wasm.shape}): ${value} on wasm, ${expected} on cpu`);
  }
}
