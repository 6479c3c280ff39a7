import { grads, ones, add as plainAdd, type Tensor, tensor, tensor2d, tidy, zeros } from "@tensorflow/tfjs";
import { expect, it } from "vitest";
import { ShapeError } from "./errors.ts";
import { add } from "./index.ts";
import { expectNoLeak, use } from "./test-support.ts";

await use("cpu");

it("adds up, and hands the gradient on to both", () => {
  const run = (): number[][] =>
    tidy(() => {
      const [a, b, dy] = [tensor2d([[1, 2]]), tensor2d([[30, 40]]), tensor2d([[5, 7]])];
      const gradients = grads((x, y) => add(x as Tensor, y as Tensor))([a, b], dy);
      return [add(a, b), ...gradients].map((tensor) => Array.from(tensor.dataSync()));
    });
  expect(run()).toEqual([
    [31, 42],
    [5, 7],
    [5, 7],
  ]);
  expectNoLeak(run);
});

it("adds a tensor to itself", () => {
  const gradient = tidy(() => grads((x) => add(x as Tensor, x as Tensor))([ones([2])])[0]?.arraySync());
  expect(gradient).toEqual([2, 2]);
});

it.each([[[3]], [[2, 3]], [[]]])("adds b of shape %j to each part", (shape) => {
  const run = (): number[][] =>
    tidy(() => {
      const fill = (size: number, from: number): number[] => Array.from({ length: size }, (_, i) => from + i * i);
      const [a, dy] = [0, 7].map((from) => tensor(fill(24, from), [4, 2, 3])) as [Tensor, Tensor];
      const b = tensor(fill(sizeOf(shape), 100), shape);
      const [ours, theirs] = [add, plainAdd].map((sum) => {
        const gradients = grads((x, y) => sum(x as Tensor, y as Tensor))([a, b], dy);
        return [sum(a, b), ...gradients].flatMap((tensor) => Array.from(tensor.dataSync()));
      });
      return [ours ?? [], theirs ?? []];
    });
  const [ours, theirs] = run();
  expect(ours).toEqual(theirs);
  expectNoLeak(run);
});

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

it.each([[[2]], [[1, 3]], [[5, 2, 3]]])("refuses b of shape %j", (shape) => {
  expect(() => tidy(() => add(zeros([2, 3]), zeros(shape)))).toThrow(ShapeError);
});
