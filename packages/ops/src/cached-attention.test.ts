import {
  concat,
  expandDims,
  gather,
  memory,
  type Rank,
  slice,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tensor2d,
  transpose,
  zeros,
} from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { attention, type CachedAttentionOptions, cachedAttention, type KeyValues } from "./index.ts";
import { backends, use } from "./test-support.ts";

const ramp = (shape: [number, number, number] | [number, number, number, number], phase: number): Tensor3D => {
  const size = (shape as number[]).reduce((product, axis) => product * axis, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i + phase)),
    shape as [number, number, number],
  ) as Tensor3D;
};

const cut = (x: Tensor3D, start: number, count: number): Tensor3D => slice(x, [0, start, 0], [-1, count, -1]);

const room = (batch: number, capacity: number, width: number): KeyValues => ({
  keys: zeros([batch, capacity, width]),
  values: zeros([batch, capacity, width]),
});

const rows = (starts: readonly number[], count: number) =>
  tensor2d(
    starts.map((start) => Array.from({ length: count }, (_, t) => start + t)),
    [starts.length, count],
    "int32",
  );

function expectClose(actual: Tensor, expected: Tensor): void {
  const wanted = expected.dataSync();
  actual.dataSync().forEach((x, i) => expect(x).toBeCloseTo(wanted[i] as number, 5));
}

describe.each(backends)("cachedAttention on %s", (backend) => {
  beforeAll(() => use(backend));

  const [B, T, D] = [2, 9, 4];
  it.each<[string, CachedAttentionOptions]>([
    ["every head with keys of its own", { numHeads: 2 }],
    ["grouped heads", { numHeads: 4, numGroups: 2 }],
    ["a window", { numHeads: 2, window: 3 }],
  ])("gives step by step what attention gives at once: %s", (_, options) => {
    const { numHeads, numGroups = numHeads } = options;
    const [q, k, v] = [ramp([B, T, numHeads * D], 1), ramp([B, T, numGroups * D], 2), ramp([B, T, numGroups * D], 3)];
    const cache = room(B, T + 2, numGroups * D);
    const steps = [4, 1, 1, 3];
    let start = 0;
    const parts = steps.map((count) => {
      const inputs = [q, k, v].map((x) => cut(x, start, count)) as [Tensor3D, Tensor3D, Tensor3D];
      const y = cachedAttention(...inputs, cache, rows([start, start], count), options);
      start += count;
      return y;
    });
    expectClose(concat(parts, 1), attention(q, k, v, { ...options, causal: true }));
  });

  it.each([undefined, 2])("adds a bias by distance, and takes another scale, with a window of %s", (window) => {
    const [q, k, v] = [ramp([B, 3, 2 * D], 1), ramp([B, 3, D], 2), ramp([B, 3, D], 3)];
    const table = ramp([7, 2, 1], 4).reshape([7, 2]) as Tensor2D; // by distance and head
    const cache = room(B, 5, D);
    const heads = { numHeads: 2, numGroups: 1, scale: 0.7, window };
    const parts = [0, 1, 2].map((t) => {
      const inputs = [q, k, v].map((x) => cut(x, t, 1)) as [Tensor3D, Tensor3D, Tensor3D];
      return cachedAttention(...inputs, cache, rows([t, t], 1), { ...heads, distanceBias: table });
    });
    const distances = tensor2d([0, 0, 0, 1, 0, 0, 2, 1, 0], [3, 3], "int32");
    const bias = expandDims(transpose(gather(table, distances), [2, 0, 1]), 0) as Tensor4D;
    const expected = attention(q, k, v, { ...heads, causal: true, bias });
    expectClose(concat(parts, 1), expected);
    const atOnce = cachedAttention(q, k, v, room(B, 5, D), rows([0, 0], 3), { ...heads, distanceBias: table });
    expectClose(atOnce, expected);
  });

  it("lets sequences be at different positions, and write over later ones", () => {
    const [q, k, v] = [ramp([2, 1, D], 1), ramp([2, 1, D], 2), ramp([2, 1, D], 3)];
    const cache: KeyValues = { keys: ramp([2, 4, D], 5), values: ramp([2, 4, D], 6) };
    const before = cache.values.arraySync() as number[][][];
    const y = cachedAttention(q, k, v, cache, rows([0, 2], 1), { numHeads: 1 });
    expectClose(cut(y, 0, 1).slice([0], [1]), v.slice([0], [1])); // alone at its position, it sees itself
    const after = cache.values.arraySync() as number[][][];
    expect(after[1]?.[3]).toEqual(before[1]?.[3]);
    expect(after[1]?.[2]).not.toEqual(before[1]?.[2]);
  });

  it("keeps two tensors, however often it is called", () => {
    const [q, k, v] = [ramp([1, 1, D], 1), ramp([1, 1, D], 2), ramp([1, 1, D], 3)];
    const [cache, positions] = [room(1, 4, D), rows([1], 1)];
    const before = memory().numTensors;
    for (let i = 0; i < 3; i++) cachedAttention(q, k, v, cache, positions, { numHeads: 1 }).dispose();
    expect(memory().numTensors).toBe(before);
  });

  it("names what does not fit", () => {
    const [q, k] = [ramp([1, 1, D], 1), ramp([1, 1, D], 2)];
    const attend = (positions: number, options: CachedAttentionOptions, width = D) =>
      cachedAttention(q, k, k, room(1, 4, width), rows([positions], 1), options);
    expect(() => attend(4, { numHeads: 1 })).toThrow("position");
    expect(() => attend(0, { numHeads: 3 })).toThrow("3 heads in 3 groups do not divide a width of 4");
    expect(() => attend(0, { numHeads: 2, numGroups: 1 })).toThrow("key must have shape (1, 1, 2)");
    expect(() => attend(0, { numHeads: 1 }, 8)).toThrow("keys must have shape (1, S, 4)");
    expect(() => attend(0, { numHeads: 1, window: -1 })).toThrow("window");
    const distanceBias = zeros<Rank.R2>([3, 1]);
    expect(() => attend(0, { numHeads: 1, distanceBias })).toThrow("a row for each of 4 distances, but has 3");
  });
});
