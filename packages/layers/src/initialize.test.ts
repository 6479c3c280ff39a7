import { expect, test } from "vitest";
import { normal, ones, randomGenerator, uniform, zeros } from "./initialize.ts";
import { dispose } from "./parameter.ts";

function moments(values: ArrayLike<number>): { mean: number; variance: number; kurtosis: number } {
  const list = Array.from(values);
  const average = (power: number): number => list.reduce((sum, value) => sum + value ** power, 0) / list.length;
  const [mean, variance] = [average(1), average(2)];
  return { mean, variance, kurtosis: average(4) / variance ** 2 };
}

test("normal values have the moments and the tails of N(0, std²)", () => {
  const parameter = normal([400, 500], 0.5, randomGenerator(3));
  const values = parameter.dataSync();
  const { mean, variance, kurtosis } = moments(values);
  expect(Math.abs(mean)).toBeLessThan(0.005); // 4 standard errors
  expect(Math.abs(variance / 0.25 - 1)).toBeLessThan(0.013);
  expect(Math.abs(kurtosis - 3)).toBeLessThan(0.05);
  const beyond = values.filter((value) => Math.abs(value) > 1.959964 * 0.5).length / values.length;
  expect(Math.abs(beyond - 0.05)).toBeLessThan(0.002);
  dispose({ parameter });
});

test("neighbouring values are not correlated", () => {
  const values = normal([100_001], 1, randomGenerator(4)).dataSync();
  let sum = 0;
  for (let i = 1; i < values.length; i++) sum += values[i] * values[i - 1];
  expect(Math.abs(sum / 100_000)).toBeLessThan(0.013);
});

test("a seed gives the same values each time, and close seeds give unrelated ones", () => {
  const draw = (seed: number): number[] => Array.from(normal([1000], 1, randomGenerator(seed)).dataSync());
  expect(draw(7)).toEqual(draw(7));
  const [a, b] = [draw(7), draw(8)];
  const correlation = a.reduce((sum, value, i) => sum + value * b[i], 0) / 1000;
  expect(Math.abs(correlation)).toBeLessThan(0.13);
});

test("the values of a seed never change between versions", () => {
  expect(Array.from(normal([4], 1, randomGenerator(1)).dataSync())).toMatchInlineSnapshot(`
    [
      -0.5675880312919617,
      0.6511538028717041,
      0.9684808254241943,
      -1.058114767074585,
    ]
  `);
});

test("uniform values fill (−bound, bound)", () => {
  const values = uniform([200, 500], 0.25, randomGenerator(5)).dataSync();
  const { mean, variance } = moments(values);
  expect(Math.abs(mean)).toBeLessThan(0.002);
  expect(variance).toBeCloseTo(0.25 ** 2 / 3, 3);
  expect(Math.max(...values.slice(0, 10_000))).toBeLessThanOrEqual(0.25);
  expect(Math.min(...values.slice(0, 10_000))).toBeGreaterThanOrEqual(-0.25);
});

test("zeros and ones", () => {
  expect(Array.from(zeros([2, 2]).dataSync())).toEqual([0, 0, 0, 0]);
  expect(Array.from(ones([3]).dataSync())).toEqual([1, 1, 1]);
});
