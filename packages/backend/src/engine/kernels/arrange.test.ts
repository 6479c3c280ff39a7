import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { engines } from "../../testing/engines.ts";
import { expectKernelsAsOnCpu, type Input, type Result, run } from "../../testing/kernel-calls.ts";
import { useBackend } from "../../use-backend.ts";
import { allTypes } from "./dtypes.ts";

const permutations: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [3, 0],
    [1, 0],
  ],
  [
    [33, 70],
    [1, 0],
  ],
  [
    [3, 20, 33],
    [2, 0, 1],
  ],
  [
    [3, 20, 33],
    [0, 2, 1],
  ],
  [
    [2, 5, 4, 8],
    [0, 2, 1, 3],
  ],
  [
    [2, 17, 4, 8],
    [0, 2, 3, 1],
  ],
  [
    [2, 3, 4, 5, 2, 3],
    [5, 3, 1, 0, 2, 4],
  ],
];

describe.each(engines)("on %s", (name) => {
  it("Transpose", async () => {
    const calls = allTypes.flatMap((dtype) =>
      permutations.map(([shape, perm]) => ({
        kernel: "Transpose",
        inputs: { x: { shape, dtype } },
        attributes: { perm },
      })),
    );
    await expectKernelsAsOnCpu(name, calls);
  });

  it("Slice, Reverse, Tile, PadV2", async () => {
    const of = (kernel: string, shape: readonly number[], attributes: object) =>
      allTypes.map((dtype) => ({ kernel, inputs: { x: { shape, dtype } }, attributes }));
    await expectKernelsAsOnCpu(name, [
      ...of("Slice", [5], { begin: [1], size: [3] }),
      ...of("Slice", [5, 4], { begin: [1, 0], size: [-1, 2] }),
      ...of("Slice", [2, 5, 4, 3], { begin: [1, 2], size: [1, 2] }),
      ...of("Slice", [3, 4], { begin: [1, 2], size: [0, 1] }),
      ...of("Reverse", [5], { dims: [0] }),
      ...of("Reverse", [2, 3, 4], { dims: [-1, 0] }),
      ...of("Reverse", [2, 0], { dims: [0] }),
      ...of("Tile", [3], { reps: [4] }),
      ...of("Tile", [2, 1, 3], { reps: [2, 5, 1] }),
      ...of("Tile", [2, 1, 3, 1, 2, 2], { reps: [1, 2, 3, 1, 2, 2] }),
      ...of("Tile", [2], { reps: [0] }),
      ...of("PadV2", [3], { paddings: [[1, 2]], constantValue: 1 }),
      ...of("PadV2", [2, 3], {
        paddings: [
          [0, 2],
          [3, 0],
        ],
        constantValue: 0,
      }),
      ...of("PadV2", [2, 0], {
        paddings: [
          [0, 1],
          [1, 1],
        ],
        constantValue: 1,
      }),
    ]);
  });

  it("SplitV, Unpack, Concat, Pack", async () => {
    const of = (kernel: string, input: string, shape: readonly number[], attributes: object) =>
      allTypes.map((dtype) => ({ kernel, inputs: { [input]: { shape, dtype } }, attributes }));
    const lists = (kernel: string, shapes: readonly (readonly number[])[], axis: number) =>
      allTypes.map((dtype) => {
        const inputs = shapes.map((shape, phase) => ({ shape, dtype, phase }));
        return { kernel, inputs, attributes: { axis } };
      });
    await expectKernelsAsOnCpu(name, [
      ...of("SplitV", "x", [6, 4], { numOrSizeSplits: 3, axis: 0 }),
      ...of("SplitV", "x", [2, 6, 4], { numOrSizeSplits: [1, 2, 3], axis: -2 }),
      ...of("SplitV", "x", [2, 6], { numOrSizeSplits: [1, -1], axis: 1 }),
      ...of("Unpack", "value", [3], { axis: 0 }),
      ...of("Unpack", "value", [2, 3, 4], { axis: 1 }),
      ...lists("Concat", [[3], [0], [2]], 0),
      ...lists(
        "Concat",
        [
          [2, 3],
          [2, 1],
          [2, 2],
        ],
        1,
      ),
      ...lists(
        "Concat",
        [
          [2, 3, 2],
          [4, 3, 2],
        ],
        -3,
      ),
      ...lists(
        "Concat",
        [
          [2, 0],
          [2, 0],
        ],
        0,
      ),
      ...lists("Pack", [[], [], []], 0),
      ...lists(
        "Pack",
        [
          [2, 3],
          [2, 3],
        ],
        1,
      ),
      ...lists(
        "Pack",
        [
          [2, 3],
          [2, 3],
        ],
        2,
      ),
    ]);
  });

  it("StridedSlice of any begin, end and stride", async () => {
    const along = fc.record({
      size: fc.integer({ min: 1, max: 5 }),
      begin: fc.integer({ min: -6, max: 6 }),
      end: fc.integer({ min: -6, max: 6 }),
      stride: fc.constantFrom(-2, -1, 1, 2, 3),
      shrink: fc.boolean(),
    });
    const calls = fc.sample(fc.array(along, { minLength: 1, maxLength: 4 }), { numRuns: 200, seed: 1 }).map((axes) => {
      const masks = { beginMask: 1, endMask: 2, ellipsisMask: 0, newAxisMask: 0 };
      const shrinkAxisMask = axes.reduce(
        (mask, { begin, size, shrink, stride }, i) =>
          shrink && i > 2 && stride > 0 && begin >= 0 && begin < size ? mask | (1 << i) : mask,
        0,
      );
      const list = (key: "begin" | "end") => axes.map((axis) => axis[key]);
      const strides = axes.map(({ stride }) => stride);
      const attributes = { begin: list("begin"), end: list("end"), strides, shrinkAxisMask, ...masks };
      const shape = axes.map(({ size }) => size);
      return { kernel: "StridedSlice", inputs: { x: { shape, dtype: "float32" as const } }, attributes };
    });
    await useBackend("cpu");
    const whole = ({ shape }: Input, { values }: Result) => values.length === shape.reduce((n, size) => n * size, 1);
    const cut = calls.filter((call) => !whole(call.inputs.x, run(call)[0] as Result));
    expect(cut.length).toBeGreaterThan(100);
    await expectKernelsAsOnCpu(name, cut);
  });
});
