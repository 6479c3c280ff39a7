import fc from "fast-check";
import { expect, it } from "vitest";
import { identify } from "./identify.ts";
import { inMemoryTokens, type TokenSource } from "./token-source.ts";

const fingerprint = (ids: ArrayLike<number>): number => identify(inMemoryTokens(ids)).fingerprint;
const ramp = (length: number): Uint32Array => Uint32Array.from({ length }, (_, i) => i);

it("is the same for the same tokens, wherever they are", () => {
  expect(identify(inMemoryTokens([...ramp(1000)]))).toEqual(identify(inMemoryTokens(ramp(1000))));
});

it("notices any one token of up to 65,536", () => {
  const any = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constantFrom(65_535, 65_536));
  fc.assert(
    fc.property(any, fc.nat(), fc.integer({ min: 1 }), (length, position, change) => {
      const other = ramp(length);
      other[position % length] ^= change;
      expect(fingerprint(other)).not.toBe(fingerprint(ramp(length)));
    }),
  );
});

it("notices tokens in another order, one token more, and another text at the beginning, the end or in between", () => {
  const text = ramp(300_000);
  const others = [
    text.toReversed(),
    ramp(300_001).subarray(1),
    ramp(300_001),
    text.map((id) => (id < 1000 ? 0 : id)),
    text.map((id) => (id >= 299_000 ? 0 : id)),
    text.map((id) => (id >= 150_000 && id < 152_000 ? 0 : id)),
  ];
  expect(new Set([text, ...others].map(fingerprint)).size).toBe(others.length + 1);
});

it("reads at most 65,536 tokens, from the first to the last", () => {
  let count = 0;
  const ranges: number[] = [];
  const large: TokenSource = {
    length: 3e9,
    read: (start, end) => {
      count += end - start;
      ranges.push(start, end);
      return new Int32Array(end - start);
    },
  };
  identify(large);
  expect(count).toBe(65_536);
  expect([Math.min(...ranges), Math.max(...ranges)]).toEqual([0, 3e9]);
});
