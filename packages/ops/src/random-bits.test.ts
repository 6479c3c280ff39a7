import fc from "fast-check";
import { expect, it } from "vitest";
import { foldIn, hash32 } from "./random-bits.ts";
import { fixture } from "./test-support.ts";

it("changes every output bit with probability ½ when one input bit changes", () => {
  const numInputs = 4000;
  for (let input = 0; input < 32; input++) {
    const flips = new Array<number>(32).fill(0);
    for (let i = 0; i < numInputs; i++) {
      const changed = hash32(i * 7919) ^ hash32((i * 7919) ^ (1 << input));
      for (let output = 0; output < 32; output++) flips[output] = (flips[output] ?? 0) + ((changed >>> output) & 1);
    }
    for (const flip of flips) expect(Math.abs(flip / numInputs - 0.5)).toBeLessThan(0.06);
  }
});

it("folds data into a seed as the fixture's independent implementation does", () => {
  for (const [seed, data, result] of fixture.foldIn) expect(foldIn(seed, data)).toBe(result);
});

it("never folds two data into one seed", () => {
  const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(uint32, uint32, uint32, (seed, a, b) => {
      expect(foldIn(seed, a) === foldIn(seed, b)).toBe(a === b);
    }),
  );
});
