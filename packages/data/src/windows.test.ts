import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Batch, BatchSource, BatchState } from "./batch.ts";
import { BatchStateError, DataOptionError, TextTooShortError, TokenPositionError } from "./errors.ts";
import { seededGenerator, shuffled } from "./random.ts";
import { randomWindows } from "./random-windows.ts";
import { type SlidingWindowsOptions, slidingWindows } from "./sliding-windows.ts";
import { inMemoryTokens, type TokenSource } from "./token-source.ts";

/** Token i is i, so that a window shows where it was cut. */
const ramp = (length: number): TokenSource => ({
  length,
  read: (start, end) => Int32Array.from({ length: end - start }, (_, i) => start + i),
});

/** Another text of the same length. */
const shifted = (length: number): TokenSource => {
  const { read } = ramp(length);
  return { length, read: (start, end) => read(start + 1, end + 1) };
};

/** The next `count` batches, going on with the next iteration where one ends. */
function take(source: BatchSource, count: number): Batch[] {
  const taken: Batch[] = [];
  while (taken.length < count) {
    for (const batch of source) {
      taken.push(batch);
      if (taken.length === count) break;
    }
  }
  return taken;
}

const rows = (ids: Int32Array, [batch, time]: Batch["shape"]): number[][] =>
  Array.from({ length: batch }, (_, row) => [...ids.subarray(row * time, (row + 1) * time)]);
const inputRows = (batches: Iterable<Batch>): number[][] => [...batches].flatMap((b) => rows(b.inputs, b.shape));
const firstTokens = (batches: Iterable<Batch>): number[] => inputRows(batches).map(([first]) => first);
const jsonCopy = (state: BatchState): BatchState => JSON.parse(JSON.stringify(state)) as BatchState;

function expectWindowsOfRamp(batch: Batch): void {
  const [size, time] = batch.shape;
  expect(batch.inputs.length).toBe(size * time);
  for (const [r, row] of rows(batch.inputs, batch.shape).entries()) {
    expect(row).toEqual(row.map((_, t) => row[0] + t));
    expect(rows(batch.targets, batch.shape)[r]).toEqual(row.map((token) => token + 1));
  }
}

describe("inMemoryTokens", () => {
  it("reads any range inside and none outside", () => {
    const tokens = inMemoryTokens(Uint16Array.of(5, 6, 65535));
    expect(tokens.read(1, 3)).toEqual(Int32Array.of(6, 65535));
    expect(tokens.read(3, 3)).toEqual(new Int32Array(0));
    for (const [start, end] of [
      [-1, 1],
      [0, 4],
      [2, 1],
      [0.5, 1],
      [0, Number.NaN],
    ]) {
      expect(() => tokens.read(start, end)).toThrow(TokenPositionError);
    }
  });
});

describe("slidingWindows", () => {
  const cut = (length: number, options: SlidingWindowsOptions): Batch[] => [...slidingWindows(ramp(length), options)];

  it("cuts windows side by side, targets shifted by one", () => {
    expect(cut(10, { batchSize: 2, contextLength: 3 })).toEqual([
      { inputs: Int32Array.of(0, 1, 2, 3, 4, 5), targets: Int32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
      { inputs: Int32Array.of(6, 7, 8), targets: Int32Array.of(7, 8, 9), shape: [1, 3] },
    ]);
  });

  it("cuts as the loop of Raschka's LLMs-from-scratch: for start in range(0, length − contextLength, stride)", () => {
    const small = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), small, small, small, (length, contextLength, stride, batchSize) => {
        fc.pre(length > contextLength);
        const starts: number[] = [];
        for (let start = 0; start < length - contextLength; start += stride) starts.push(start);
        const batches = cut(length, { batchSize, contextLength, stride });
        expect(firstTokens(batches)).toEqual(starts);
        batches.forEach(expectWindowsOfRamp);
        expect(batches.slice(0, -1).every((batch) => batch.shape[0] === batchSize)).toBe(true);
      }),
    );
  });

  it("trains on every token but the first once per epoch where the windows fit", () => {
    const targets = cut(25, { batchSize: 3, contextLength: 4, shuffleSeed: 5 }).flatMap((batch) => [...batch.targets]);
    expect(targets.sort((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
  });

  it("leaves the smaller last batch out with dropLast", () => {
    expect(firstTokens(cut(16, { batchSize: 2, contextLength: 3, dropLast: true }))).toEqual([0, 3, 6, 9]);
    expect(firstTokens(cut(16, { batchSize: 2, contextLength: 3 }))).toEqual([0, 3, 6, 9, 12]);
  });

  it("draws a new order for every epoch, the same again from the same seed", () => {
    const epochs = (shuffleSeed: number): number[][] => {
      const source = slidingWindows(ramp(101), { batchSize: 7, contextLength: 1, shuffleSeed });
      return [firstTokens(source), firstTokens(source)];
    };
    const [first, second] = epochs(3);
    const inOrder = Array.from({ length: 100 }, (_, i) => i);
    expect(first).not.toEqual(inOrder);
    expect(second).not.toEqual(first);
    for (const epoch of [first, second]) expect([...epoch].sort((a, b) => a - b)).toEqual(inOrder);
    expect(epochs(3)).toEqual([first, second]);
    expect(epochs(4)[0]).not.toEqual(first);
  });

  it("goes on after a break, and gives a whole epoch when the break came at the last batch", () => {
    const source = slidingWindows(ramp(10), { batchSize: 1, contextLength: 3 });
    expect(firstTokens(take(source, 2))).toEqual([0, 3]);
    expect(firstTokens(source)).toEqual([6]);
    take(source, 3);
    expect(firstTokens(source)).toEqual([0, 3, 6]);
  });

  it("states both lengths when the text is too short", () => {
    const cutShort = (): unknown => cut(4, { batchSize: 1, contextLength: 4 });
    expect(cutShort).toThrow(TextTooShortError);
    expect(cutShort).toThrow("it has 4 tokens, but one window of contextLength 4 needs 5");
    expect(() => cut(10, { batchSize: 4, contextLength: 3, dropLast: true })).toThrow(/it has 10 tokens, .* needs 13/);
    expect(cut(13, { batchSize: 4, contextLength: 3, dropLast: true })).toHaveLength(1);
  });

  it.each(["batchSize", "contextLength", "stride"] as const)(
    "refuses a %s that is not a whole number ≥ 1",
    (option) => {
      for (const value of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        const make = (): unknown => cut(20, { batchSize: 2, contextLength: 2, [option]: value });
        expect(make).toThrow(DataOptionError);
        expect(make).toThrow(`${option} must be a whole number ≥ 1, not ${value}`);
      }
    },
  );
});

describe("randomWindows", () => {
  const options = { batchSize: 4, contextLength: 3, seed: 1 };

  it("cuts whole windows, endlessly", () => {
    const batches = take(randomWindows(ramp(50), options), 300);
    for (const batch of batches) {
      expect(batch.shape).toEqual([4, 3]);
      expectWindowsOfRamp(batch);
    }
  });

  it("draws every start from 0 to length − contextLength − 1 equally often", () => {
    const counts = new Array<number>(10).fill(0);
    for (const start of firstTokens(take(randomWindows(ramp(13), options), 5000))) counts[start]++;
    const chiSquared = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0);
    expect(chiSquared).toBeLessThan(27.9); // 9 degrees of freedom: one seed in a thousand is above
  });

  it("reads the only window there is", () => {
    const [batch] = take(randomWindows(ramp(4), options), 1);
    expect(firstTokens([batch])).toEqual([0, 0, 0, 0]);
  });

  it("repeats itself from the same seed and differs from another", () => {
    const draw = (seed: number): Batch[] => take(randomWindows(ramp(1000), { ...options, seed }), 5);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it("does not begin with neighbouring windows for neighbouring seeds", () => {
    const first = (seed: number): number =>
      firstTokens(take(randomWindows(ramp(1_000_000), { ...options, seed }), 1))[0];
    const distances = Array.from({ length: 50 }, (_, seed) => Math.abs(first(seed + 1) - first(seed)));
    expect(distances.filter((distance) => distance < 10_000).length).toBeLessThan(5);
  });

  it("refuses settings that make no sense and a text that is too short", () => {
    expect(() => randomWindows(ramp(9), { ...options, batchSize: 0 })).toThrow(DataOptionError);
    expect(() => randomWindows(ramp(9), { ...options, seed: 0.5 })).toThrow("seed must be a whole number, not 0.5");
    expect(() => randomWindows(ramp(3), options)).toThrow(TextTooShortError);
  });
});

const anySource = fc
  .record({
    length: fc.integer({ min: 10, max: 60 }),
    batchSize: fc.integer({ min: 1, max: 3 }),
    contextLength: fc.integer({ min: 1, max: 4 }),
    seed: fc.integer(),
    kind: fc.constantFrom("random", "in order", "shuffled", "shuffled, dropLast"),
  })
  .map(({ length, batchSize, contextLength, seed, kind }) => (): BatchSource => {
    const sizes = { batchSize, contextLength };
    if (kind === "random") return randomWindows(ramp(length), { ...sizes, seed });
    if (kind === "in order") return slidingWindows(ramp(length), { ...sizes, stride: 2 });
    return slidingWindows(ramp(length), { ...sizes, stride: 2, shuffleSeed: seed, dropLast: kind !== "shuffled" });
  });

describe("state and restore", () => {
  it("go on in a fresh source at the exact batch, after any number of batches and through JSON", () => {
    fc.assert(
      fc.property(anySource, fc.nat(40), fc.nat(40), (make, before, after) => {
        const source = make();
        take(source, before);
        const fresh = make();
        fresh.restore(jsonCopy(source.state()));
        expect(take(fresh, after)).toEqual(take(source, after));
        expect(fresh.state()).toEqual(source.state());
      }),
      { numRuns: 300 },
    );
  });

  it("go back as well as forth", () => {
    fc.assert(
      fc.property(anySource, fc.nat(20), (make, count) => {
        const source = make();
        const start = source.state();
        const first = take(source, count);
        source.restore(start);
        expect(take(source, count)).toEqual(first);
      }),
    );
  });

  const random = (o = {}): BatchSource => randomWindows(ramp(50), { batchSize: 2, contextLength: 3, seed: 1, ...o });
  const sliding = (o = {}): BatchSource => slidingWindows(ramp(50), { batchSize: 2, contextLength: 3, ...o });

  it.each<[string, BatchSource, BatchState]>([
    ["batchSize", random({ batchSize: 3 }), random().state()],
    ["contextLength", random({ contextLength: 4 }), random().state()],
    ["seed", random({ seed: 2 }), random().state()],
    ["length", randomWindows(ramp(51), { batchSize: 2, contextLength: 3, seed: 1 }), random().state()],
    ["kind", random(), sliding().state()],
    ["kind", sliding(), {}],
    ["stride", sliding({ stride: 1 }), sliding().state()],
    ["shuffleSeed", sliding({ shuffleSeed: 1 }), sliding().state()],
    ["dropLast", sliding({ dropLast: true }), sliding().state()],
    ["generator", random(), { ...random().state(), generator: [1, 2, 3] }],
    ["generator", random(), { ...random().state(), generator: "1" }],
    ["generator", random(), { ...random().state(), generator: [0, 0, 0, 0] }],
    ["generator", random(), { ...random().state(), generator: [1e300, 2, 3, 4] }],
    ["generator", random(), { ...random().state(), generator: [2 ** 31, 2, 3, 4] }],
    ["generator", random(), { ...random().state(), generator: [0.5, 2, 3, 4] }],
    ["fingerprint", randomWindows(shifted(50), { batchSize: 2, contextLength: 3, seed: 1 }), random().state()],
    ["fingerprint", slidingWindows(shifted(50), { batchSize: 2, contextLength: 3 }), sliding().state()],
    ["batch", sliding(), { ...sliding().state(), batch: 1e9 }],
    ["batch", sliding(), { ...sliding().state(), batch: -1 }],
    ["epoch", sliding(), { ...sliding().state(), epoch: 0.5 }],
  ])("refuse a state whose %s is not this source's", (key, source, state) => {
    expect(() => source.restore(state)).toThrow(BatchStateError);
    expect(() => source.restore(state)).toThrow(`Cannot resume the batches: ${key} is `);
  });

  it("take any epoch at once", () => {
    const source = sliding({ shuffleSeed: 1 });
    source.restore({ ...source.state(), epoch: 2 ** 50 });
    expect(take(source, 1)).toHaveLength(1);
  });
});

describe("shuffled", () => {
  it("draws all orders equally often, over the epochs of a seed and over seeds", () => {
    const chiSquared = (orderOf: (i: number) => Uint32Array): number => {
      const counts = new Map<string, number>();
      for (let i = 0; i < 2400; i++) counts.set(`${orderOf(i)}`, (counts.get(`${orderOf(i)}`) ?? 0) + 1);
      expect(counts.size).toBe(24);
      return [...counts.values()].reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0);
    };
    expect(chiSquared((epoch) => shuffled(4, seededGenerator(7, epoch)))).toBeLessThan(49.7); // 23 degrees, 1 in 1000
    expect(chiSquared((seed) => shuffled(4, seededGenerator(seed)))).toBeLessThan(49.7);
  });
});
