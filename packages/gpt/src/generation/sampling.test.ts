import { readFileSync } from "node:fs";
import { randomGenerator } from "@tessera-lm/layers";
import { type DistributionOptions, pickToken } from "@tessera-lm/ops";
import fc from "fast-check";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { expect, test } from "vitest";
import { GenerationError } from "../errors.ts";
import { tokenProbabilities } from "./sampling.ts";

interface Case extends DistributionOptions {
  readonly logits: number[];
  readonly probabilities: number[];
}
const cases: Case[] = JSON.parse(readFileSync(new URL("./fixtures/sampling.json", import.meta.url), "utf8"));

test.each(cases.map(({ logits, probabilities, ...options }) => ({ options, logits, probabilities })))(
  "$options gives the distribution of transformers",
  ({ logits, options, probabilities }) => {
    const actual = Array.from(tokenProbabilities(logits, options));
    expect(actual.map((value) => value > 0)).toEqual(probabilities.map((value) => value > 0));
    actual.forEach((value, i) => {
      expect(value).toBeCloseTo(probabilities[i], 6);
    });
  },
);

// The worked example of Raschka's book: closer, every, effort, forward, inches, moves, pizza, toward, you.
const book = [4.51, 0.89, -1.9, 6.75, 1.63, -1.62, -1.89, 6.28, 1.79];

test("at temperature 5 the book's pizza has 4.3 %", () => {
  expect(tokenProbabilities(book, { temperature: 5 })[6]).toBeCloseTo(0.043, 4);
});

test("temperature 0 takes the first of the greatest", () => {
  expect(Array.from(tokenProbabilities([1, 3, 2, 3], { temperature: 0 }))).toEqual([0, 1, 0, 0]);
});

test("topK Infinity keeps all tokens, as no topK does", () => {
  expect(tokenProbabilities([1, 2, 3], { topK: Infinity })).toEqual(tokenProbabilities([1, 2, 3]));
});

test("topK keeps tokens that equal the K-th; topP keeps no more than it needs", () => {
  expect(Array.from(tokenProbabilities([2, 2, 2, 0], { topK: 1 })).map(Math.sign)).toEqual([1, 1, 1, 0]);
  expect(Array.from(tokenProbabilities([0, 0, 0, 0], { topP: 0.5 }))).toEqual([0, 0, 0.5, 0.5]);
  expect(Array.from(tokenProbabilities([0, 9, 0], { topP: 1e-9 }))).toEqual([0, 1, 0]);
});

test("a token ruled out by −∞ is never taken", () => {
  expect(Array.from(tokenProbabilities([-Infinity, 0, -Infinity, 0]))).toEqual([0, 0.5, 0, 0.5]);
});

test("huge logits and tiny temperatures stay a distribution", () => {
  expect(Array.from(tokenProbabilities([1e30, 0, -1e30], { temperature: 1e-3 }))).toEqual([1, 0, 0]);
});

test("any options give a distribution that favours the likelier token", () => {
  const options = fc.record(
    {
      temperature: fc.double({ min: 0, max: 10, noNaN: true }),
      topK: fc.integer({ min: 1, max: 30 }),
      topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
    },
    { requiredKeys: [] },
  );
  const logits = fc.array(
    fc.integer({ min: -5000, max: 5000 }).map((value) => value / 100),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(logits, options, (values, chosen) => {
      const probabilities = tokenProbabilities(values, chosen);
      expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 10);
      const best = values.indexOf(Math.max(...values));
      if (new Set(values).size === values.length) expect(Math.max(...probabilities)).toBe(probabilities[best]);
      for (const uniform of [0, 0.5, 1 - 2 ** -53]) {
        expect(probabilities[pickToken(probabilities, uniform)]).toBeGreaterThan(0);
      }
    }),
  );
});

test.each([undefined, 3])("drawn tokens follow the distribution (chi-square, topK %s)", (topK) => {
  const probabilities = tokenProbabilities(book, { temperature: 2, topK });
  const random = randomGenerator(1);
  const counts = new Array<number>(9).fill(0);
  const draws = 50_000;
  for (let i = 0; i < draws; i++) counts[pickToken(probabilities, uniformFloat64(random))]++;
  let chiSquare = 0;
  probabilities.forEach((probability, i) => {
    if (probability === 0) expect(counts[i]).toBe(0);
    else chiSquare += (counts[i] - draws * probability) ** 2 / (draws * probability);
  });
  expect(chiSquare).toBeLessThan(topK === undefined ? 26.1 : 13.8); // 0.999 quantiles with 8 and 2 degrees of freedom
});

test.each<[DistributionOptions, RegExp]>([
  [{ temperature: -1 }, /temperature is -1/],
  [{ temperature: Number.NaN }, /temperature is NaN/],
  [{ temperature: Infinity }, /temperature is Infinity/],
  [{ topK: 0 }, /topK is 0; it must be a whole number of at least 1/],
  [{ topK: 1.5 }, /topK is 1.5/],
  [{ topP: 0 }, /topP is 0; it must be above 0 and at most 1/],
  [{ topP: 1.01 }, /topP is 1.01/],
])("%j is refused", (options, message) => {
  expect(() => tokenProbabilities([1, 2], options)).toThrow(GenerationError);
  expect(() => tokenProbabilities([1, 2], options)).toThrow(message);
});

test.each([[[0, Number.NaN]], [[Number.NaN, 0]], [[Infinity, 0]], [[-Infinity, -Infinity]], [[]]])(
  "logits %j are refused",
  (logits) => {
    expect(() => tokenProbabilities(logits)).toThrow(GenerationError);
  },
);
