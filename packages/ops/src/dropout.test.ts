import { ones, type Tensor, tensor1d, tidy } from "@tensorflow/tfjs";
import { beforeAll, expect, it } from "vitest";
import { OptionError } from "./errors.ts";
import { dropout, foldIn } from "./index.ts";
import { use } from "./test-support.ts";

beforeAll(() => use("cpu"));

const NUM_ELEMENTS = 100_000;

function dropped(rate: number, seed: number, shape: number[] = [NUM_ELEMENTS]): number[] {
  return tidy(() => Array.from(dropout(ones(shape), { rate, seed }).dataSync()));
}

function shareOfZeros(values: readonly number[]): number {
  return values.filter((value) => value === 0).length / values.length;
}

/** Five standard deviations of the mean of that many coin throws. */
const tolerance = (p: number) => 5 * Math.sqrt((p * (1 - p)) / NUM_ELEMENTS);

it.each([0.05, 0.1, 0.5, 0.9])("drops a share of %s and keeps the mean", (rate) => {
  const values = dropped(rate, 42);
  expect(Math.abs(shareOfZeros(values) - rate)).toBeLessThan(tolerance(rate));
  expect(new Set(values)).toEqual(new Set([0, Math.fround(1 / (1 - rate))]));
});

it("drops neighbours independently", () => {
  const values = dropped(0.5, 7);
  for (const distance of [1, 2, 32, 64, 384, 65536]) {
    const both = values.filter((value, i) => value === 0 && values[(i + distance) % values.length] === 0).length;
    expect(Math.abs(both / values.length - 0.25)).toBeLessThan(2 * tolerance(0.25));
  }
});

it("drops independently under different seeds, neighbouring ones too", () => {
  for (const [a, b] of [
    [0, 1],
    [1, 2],
    [5, 5 + 2 ** 31],
    [foldIn(1, 0), foldIn(1, 1)],
  ] as const) {
    const [first, second] = [dropped(0.5, a), dropped(0.5, b)];
    const both = first.filter((value, i) => value === 0 && second[i] === 0).length;
    expect(Math.abs(both / NUM_ELEMENTS - 0.25)).toBeLessThan(2 * tolerance(0.25));
  }
});

it("decides by seed and index alone, whatever the shape", () => {
  const long = dropped(0.3, 11, [24]);
  expect(dropped(0.3, 11, [2, 3, 4])).toEqual(long);
  expect(dropped(0.3, 11, [5])).toEqual(long.slice(0, 5));
});

it("is the identity at rate 0", () => {
  const x: Tensor = tensor1d([1, 2]);
  expect(dropout(x, { rate: 0, seed: 1 })).toBe(x);
  x.dispose();
});

it.each([-0.1, 1, 1.5, Number.NaN])("refuses a rate of %s", (rate) => {
  expect(() => dropped(rate, 1)).toThrow(OptionError);
});
