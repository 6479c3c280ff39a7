import fc from "fast-check";
import { expect, test } from "vitest";
import { roomLeft, windowOf } from "./window.ts";

test("the window is the end of the text, and at least three quarters of the room", () => {
  const lengths = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(lengths, ([length, size]) => {
      const text = Array.from({ length }, (_, i) => i);
      const window = windowOf(text, size);
      expect(window).toEqual(text.slice(length - window.length));
      expect(window.length).toBeLessThanOrEqual(size);
      expect(window.length).toBeGreaterThanOrEqual(Math.min(length, Math.ceil((size * 3) / 4)));
    }),
  );
});

test("the window stays where it is for as long as there is room", () => {
  const startOf = (length: number, size: number): number =>
    windowOf(
      Array(length)
        .fill(0)
        .map((_, i) => i),
      size,
    )[0];
  for (const size of [1, 4, 7, 20]) {
    for (let length = 1; length < 60; length++) {
      const room = roomLeft(length, size);
      expect(startOf(length + room, size)).toBe(startOf(length, size));
      expect(startOf(length + room + 1, size)).toBeGreaterThan(startOf(length, size));
    }
  }
});
