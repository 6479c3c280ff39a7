import { expect } from "vitest";
import type { Numbers } from "./on-backend.ts";

/** Expects the same shape, and numbers that differ by rounding only. */
export function expectClose(actual: Numbers, expected: Numbers, tolerance = 1e-4): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.values.length).toBe(expected.values.length);
  for (const [i, value] of actual.values.entries()) {
    const wanted = expected.values[i] as number;
    // NaN and infinity are to be the same.
    if (Object.is(value, wanted) || Math.abs(value - wanted) <= tolerance * (1 + Math.abs(wanted))) continue;
    expect.fail(`at ${i} of (${actual.shape}): ${value}, expected ${wanted}`);
  }
}
