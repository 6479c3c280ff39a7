import { expect, test } from "vitest";
import { PieceCache } from "./piece-cache.ts";

const ids = Int32Array.of(1);

test("remembers what is used and forgets what is not", () => {
  const cache = new PieceCache();
  cache.set("forgotten", ids);
  cache.set("used", ids);
  for (let i = 0; i < 200_000; i++) {
    cache.set(`word ${i}`, ids);
    if (i % 1000 === 0) expect(cache.get("used")).toBe(ids);
  }
  expect(cache.get("forgotten")).toBeUndefined();
  expect(cache.get("word 0")).toBeUndefined();
  expect(cache.get("word 199999")).toBe(ids);
});

test("does not keep very long pieces", () => {
  const cache = new PieceCache();
  cache.set("a".repeat(1000), ids);
  expect(cache.get("a".repeat(1000))).toBeUndefined();
});
