import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readWindows, rollingSpans, stridedSpans, windowBatches, withPrefix } from "./windows.ts";

const tokens = (length: number) => ({
  length,
  read: (start: number, end: number) => Int32Array.from({ length: end - start }, (_, i) => start + i),
});

/** Positions that some window scores, in order, with the number of tokens that it sees before each. */
function scored(spans: Iterable<{ begin: number; end: number; firstScored: number }>): [number, number][] {
  return [...spans].flatMap(({ begin, end, firstScored }) =>
    Array.from({ length: Math.max(0, end - firstScored) }, (_, i): [number, number] => [
      firstScored + i,
      firstScored + i - begin,
    ]),
  );
}

describe("rollingSpans", () => {
  it("are the windows of the harness's own example: 10 tokens after a prefix, context 4", () => {
    const windows = [...readWindows(withPrefix(-7, tokens(10)), rollingSpans(11, 4))];
    const rows = windows.map(({ ids, firstScored }) => [[...ids.slice(0, -1)], [...ids.slice(firstScored)]]);
    expect(rows).toEqual([
      [
        [-7, 0, 1, 2],
        [0, 1, 2, 3],
      ],
      [
        [3, 4, 5, 6],
        [4, 5, 6, 7],
      ],
      [
        [5, 6, 7, 8],
        [8, 9],
      ],
    ]);
  });

  it("score every token after the first exactly once and never see more than the context", () => {
    fc.assert(
      fc.property(fc.nat(60), fc.integer({ min: 1, max: 20 }), (length, context) => {
        const found = scored(rollingSpans(length, context));
        expect(found.map(([position]) => position)).toEqual(
          Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1),
        );
        for (const [, seen] of found) expect(seen >= 1 && seen <= context).toBe(true);
      }),
    );
  });
});

describe("stridedSpans", () => {
  it("score what no window before has covered", () => {
    expect([...stridedSpans(10, 4, 2)]).toEqual([
      { begin: 0, end: 4, firstScored: 1 },
      { begin: 2, end: 6, firstScored: 4 },
      { begin: 4, end: 8, firstScored: 6 },
      { begin: 6, end: 10, firstScored: 8 },
    ]);
  });

  it("score every token after the first exactly once when the stride is below the context", () => {
    fc.assert(
      fc.property(fc.nat(60), fc.integer({ min: 2, max: 20 }), fc.nat(), (length, context, pick) => {
        const stride = 1 + (pick % (context - 1));
        const found = scored(stridedSpans(length, context, stride));
        expect(found.map(([position]) => position)).toEqual(
          Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1),
        );
        for (const [position, seen] of found) {
          expect(seen < context).toBe(true);
          if (position >= context) expect(seen >= context - stride).toBe(true);
        }
      }),
    );
  });

  it("lose the first token of each window when the stride is the context", () => {
    expect(scored(stridedSpans(7, 3, 3)).map(([position]) => position)).toEqual([1, 2, 4, 5]);
  });
});

describe("withPrefix", () => {
  it("reads as if the token stood in front", () => {
    const source = withPrefix(9, tokens(3));
    const whole = [9, 0, 1, 2];
    for (let start = 0; start <= 4; start++) {
      for (let end = start; end <= 4; end++) expect([...source.read(start, end)]).toEqual(whole.slice(start, end));
    }
  });
});

describe("windowBatches", () => {
  it("pads on the right and marks what is not scored with -1", () => {
    const windows = [
      { ids: Int32Array.of(1, 2, 3), firstScored: 1 },
      { ids: Int32Array.of(4, 5), firstScored: 1 },
      { ids: Int32Array.of(6, 7, 8, 9), firstScored: 3 },
    ];
    expect([...windowBatches(windows, 2)]).toEqual([
      { shape: [2, 2], inputs: Int32Array.of(1, 2, 4, 0), targets: Int32Array.of(2, 3, 5, -1) },
      { shape: [1, 3], inputs: Int32Array.of(6, 7, 8), targets: Int32Array.of(-1, -1, 9) },
    ]);
  });
});
