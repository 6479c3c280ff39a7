import { setBackend, slice, type Tensor2D, tensor2d, tidy } from "@tensorflow/tfjs";
import { CacheError, KeyValueCache, rowsOfWindow } from "@tessera-lm/layers";
import { beforeAll, describe, expect, it } from "vitest";
import { decoders } from "./testing/models.ts";

const ids = Array.from({ length: 12 }, (_, i) => (7 * i * i + 3) % 50);

beforeAll(() => setBackend("cpu"));

describe.each(Object.entries(decoders))("with a cache, %s", (_, make) => {
  it("has the logits that it has without", () => {
    const model = make();
    const expected = tidy(() => model.forward(tensor2d([ids], [1, ids.length], "int32")).arraySync())[0] as number[][];
    const cache = new KeyValueCache(1, ids.length);
    let start = 0;
    for (const count of [5, 1, 1, 3, 2]) {
      const tokens = tensor2d([ids.slice(start, start + count)], [1, count], "int32");
      const logits = tidy(() => model.forward(tokens, { cache, positions: from(start, count) }).arraySync())[0];
      for (const row of logits as number[][]) {
        row.forEach((logit, v) => expect(logit).toBeCloseTo(expected[start]?.[v] as number, 4));
        start++;
      }
    }
    cache.dispose();
  });

  it("may go back to an earlier position", () => {
    const model = make();
    const cache = new KeyValueCache(1, ids.length);
    const read = (tokens: readonly number[], start: number) =>
      tidy(() => {
        const positions = from(start, tokens.length);
        const logits = model.forward(tensor2d([[...tokens]], [1, tokens.length], "int32"), { cache, positions });
        return [...slice(logits.squeeze([0]), [tokens.length - 1, 0], [1, -1]).dataSync()];
      });
    read(ids, 0);
    const again = read([1, 2], 4);
    cache.dispose();
    const cacheless = tidy(() =>
      model.forward(tensor2d([[...ids.slice(0, 4), 1, 2]], [1, 6], "int32")).arraySync(),
    )[0] as number[][];
    again.forEach((logit, v) => expect(logit).toBeCloseTo(cacheless[5]?.[v] as number, 4));
  });
});

it("refuses what it would otherwise leave out", () => {
  const model = decoders["learned positions"]();
  const cache = new KeyValueCache(1, 4);
  const tokens = tensor2d([[1, 2]], [1, 2], "int32");
  const positions = from(0, 2);
  expect(() => model.forward(tokens, { cache })).toThrow("a cache needs positions");
  expect(() => model.forward(tokens, { cache, positions, mask: tensor2d([[0, 1]]) })).toThrow("no mask with a cache");
  cache.dispose();
  expect(() => model.forward(tokens, { cache, positions })).toThrow("The cache has been disposed of");
});

describe("a cache of sizes or sequences that cannot be is refused:", () => {
  const read = (cache: KeyValueCache) =>
    tidy(
      () =>
        void decoders["learned positions"]().forward(tensor2d([[1, 2, 3]]).toInt(), { cache, positions: from(0, 3) }),
    );

  it.each<[string, () => unknown, string]>([
    ["no number", () => new KeyValueCache(1, Number.NaN), "capacity is NaN; it must be a whole number of at least 0"],
    ["part of a sequence", () => new KeyValueCache(1.5, 4), "batchSize is 1.5"],
    ["an empty chunk", () => new KeyValueCache(1, 4, { chunkSize: 0 }), "chunkSize is 0"],
    ["a negative chunk", () => new KeyValueCache(1, 4, { chunkSize: -5 }), "chunkSize is -5"],
    [
      "fewer positions",
      () => new KeyValueCache(1, 20).grow(10),
      "capacity is 10; it must be a whole number of at least 20",
    ],
    ["no sequences", () => new KeyValueCache(1, 20).rearrange([]), "the number of sequences is 0"],
  ])("%s", (_, use, message) => {
    expect(use).toThrow(CacheError);
    expect(use).toThrow(message);
  });

  it("a sequence that there is not, and what was kept stays", () => {
    const cache = new KeyValueCache(1, 20);
    read(cache);
    for (const wrong of [1, -1, 0.5]) {
      expect(() => cache.rearrange([0, wrong])).toThrow(
        `a sequence is ${wrong}; it must be a whole number from 0 to 0`,
      );
    }
    expect(cache.batchSize).toBe(1);
    read(cache);
    cache.dispose();
  });
});

it("says that a window was not moved on", () => {
  const model = decoders["a sliding window"]();
  const cache = new KeyValueCache(1, 12, { chunkSize: 1 });
  const read = (position: number) =>
    tidy(() => void model.forward(tensor2d([[1]]).toInt(), { cache, positions: from(position, 1) }));
  const count = rowsOfWindow(5, 1);
  expect(count).toBeLessThan(12);
  for (let position = 0; position < count; position++) read(position);
  expect(() => read(count)).toThrow(CacheError);
  expect(() => read(count)).toThrow("call slide before each pass");
  cache.slide([count], 1);
  read(count);
  cache.dispose();
});

function from(start: number, count: number): Tensor2D {
  return tensor2d([Array.from({ length: count }, (_, t) => start + t)], [1, count], "int32");
}
