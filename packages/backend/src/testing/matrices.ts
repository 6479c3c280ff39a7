import { broadcast_util, matMul } from "@tensorflow/tfjs";
import fc from "fast-check";
import type { BackendName } from "../use-backend.ts";
import { expectClose } from "./close.ts";
import { type Numbers, on, ramp, tensorOf } from "./on-backend.ts";

interface Matrices {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const size = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(1, 33, 64));
/** Sizes of a product, and how its operands are stored. */
const matrices: fc.Arbitrary<Matrices> = fc.record({
  rows: size,
  inner: size,
  columns: size,
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
});
/** Pairs of batch shapes that broadcast to each other. */
const batches: fc.Arbitrary<[number[], number[]]> = fc.constantFrom<[number[], number[]]>(
  [[], []],
  [[3], [3]],
  [[1], [4]],
  [[4], [1]],
  [[3], []],
  [[], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [2, 1],
    [1, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1, 3],
    [2, 1],
  ],
  [[0], [0]],
  [[0], [1]],
);

/** Holds a backend's matMul to three plain loops, for all shapes, transposes and batches, empty ones too. */
export async function expectPlainProducts(backend: BackendName, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(matrices, batches, async (sizes, [outerA, outerB]) => {
    const { rows, inner, columns, transposeA, transposeB } = sizes;
    const a = ramp([...outerA, ...(transposeA ? [inner, rows] : [rows, inner])]);
    const b = ramp([...outerB, ...(transposeB ? [columns, inner] : [inner, columns])], 1);
    const product = await on(backend, () => matMul(tensorOf(a), tensorOf(b), transposeA, transposeB));
    expectClose(product, plainProduct(a, b, transposeA, transposeB));
  });
  await fc.assert(property, { numRuns });
}

/** matMul as its definition has it; the cpu backend knows neither empty sizes nor batches that broadcast both ways. */
function plainProduct(a: Numbers, b: Numbers, transposeA: boolean, transposeB: boolean): Numbers {
  const matrix = ({ shape }: Numbers, transposed: boolean) =>
    transposed ? shape.slice(-2).reverse() : shape.slice(-2);
  const [rows, inner] = matrix(a, transposeA) as [number, number];
  const [, columns] = matrix(b, transposeB) as [number, number];
  const batch = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const at = ({ shape, values }: Numbers, place: readonly number[], i: number, j: number): number => {
    const full = [...place.slice(place.length - (shape.length - 2)), i, j];
    return values[
      full.reduce((offset, index, axis) => offset * (shape[axis] as number) + (shape[axis] === 1 ? 0 : index), 0)
    ] as number;
  };
  const values = places(batch).flatMap((place) =>
    places([rows, columns]).map(([i = 0, j = 0]) => {
      const terms = Array.from({ length: inner }, (_, k) => {
        const left = transposeA ? at(a, place, k, i) : at(a, place, i, k);
        return left * (transposeB ? at(b, place, j, k) : at(b, place, k, j));
      });
      return terms.reduce((sum, term) => sum + term, 0);
    }),
  );
  return { shape: [...batch, rows, columns], values };
}

/** Every index into an array of this shape, the last axis fastest. */
function places(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );
}
