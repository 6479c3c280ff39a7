import { deepStrictEqual } from "node:assert/strict";

/** Checks a README's `expression; // => value` and hands the value on. */
export function expectValue<T>(actual: T, expected: () => unknown, line: number): T {
  deepStrictEqual(plain(actual), plain(expected()), `line ${line} of the block has another value than it says`);
  return actual;
}

/** A typed array is written as a list in a README. */
function plain(value: unknown): unknown {
  return ArrayBuffer.isView(value) && Symbol.iterator in value ? [...(value as unknown as Iterable<unknown>)] : value;
}
