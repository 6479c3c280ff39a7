import { gather, type Tensor, tensor1d, unsortedSegmentSum } from "@tensorflow/tfjs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectAsOnCpu, gradientsOf, on, ramp, tensorOf } from "../testing/on-backend.ts";

const ids = fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 1, maxLength: 12 });
const rest = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 });

describe("unsortedSegmentSum on wasm", () => {
  it("equals cpu, with ids out of range left out", async () => {
    await fc.assert(
      fc.asyncProperty(ids, rest, async (segments, shape) => {
        const x = ramp([segments.length, ...shape]);
        await expectAsOnCpu("wasm", () => unsortedSegmentSum(tensorOf(x), tensor1d(segments, "int32"), 5));
      }),
      { numRuns: 50 },
    );
  });

  it("adds up integers", async () => {
    const x = { shape: [4], values: [1, 2, 3, 4], dtype: "int32" } as const;
    const wasm = await on("wasm", () => unsortedSegmentSum(tensorOf(x), tensor1d([0, 2, 0, 2], "int32"), 3));
    expect(wasm).toEqual({ shape: [3], values: [4, 0, 6] });
  });

  it("is zero for no rows", async () => {
    const x = { shape: [0, 2], values: [] };
    const wasm = await on("wasm", () => unsortedSegmentSum(tensorOf(x), tensor1d([], "int32"), 2));
    expect(wasm).toEqual({ shape: [2, 2], values: [0, 0, 0, 0] });
  });

  it("gives gather its gradient", async () => {
    const look = (table: Tensor) => gather(table, tensor1d([3, 1, 3, 0], "int32"));
    await expectAsOnCpu("wasm", gradientsOf(look, [ramp([5, 3])]));
  });
});
