import { expect, test } from "vitest";
import { shown } from "./shown.ts";

const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;
const list: unknown[] = [];
list.push(list);

const values: readonly (readonly [value: unknown, text: string])[] = [
  [undefined, "undefined"],
  [null, "null"],
  [Number.NaN, "NaN"],
  [5n, "5"],
  ['a "b"', '"a \\"b\\""'],
  [{ a: [Infinity, 2n] }, '{"a":["Infinity","2"]}'],
  [new Map(), "a Map"],
  [Promise.resolve(), "a Promise"],
  [test, "a function"],
  [cyclic, "an object"],
  [list, "a list"],
  [Object.create(null), "{}"],
  [{ constructor: undefined }, "{}"],
  [{ constructor: null, a: 1 }, '{"constructor":null,"a":1}'],
  [{ toJSON: () => undefined }, "undefined"],
];

test("every value has a text", () => {
  for (const [value, text] of values) expect(shown(value)).toBe(text);
});

test("large values are cut", () => {
  const ids = shown({ ids: Array(50_000).fill(1) });
  expect(ids).toMatch(/^{"ids":\[1,1,.*…$/);
  expect(ids.length).toBeLessThan(120);
  expect(shown("x".repeat(1e6)).length).toBeLessThan(120);
});
