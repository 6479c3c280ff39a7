import { mul, square, sum, type Tensor, tensor1d, tensor2d, tidy, type Variable, variable } from "@tensorflow/tfjs";
import { describe, expect, it, vi } from "vitest";
import { add, checkpoint, dropout, gelu, linear, valueAndGradients } from "./index.ts";
import { expectClose, expectNoLeak, usageOf, use } from "./test-support.ts";

await use("cpu");

const size = 32;
const weights = [0, 1, 2].map((phase) =>
  variable(
    tensor2d(
      Float32Array.from({ length: size * size }, (_, i) => Math.sin(i + phase) / 4),
      [size, size],
    ),
  ),
);
const input = variable(
  tensor2d(
    Float32Array.from({ length: size * size }, (_, i) => Math.cos(i)),
    [size, size],
  ),
);

/** A block that uses its parameter twice and drops a part of what it computes. */
const block = (x: Tensor, weight: Variable, seed: number): Tensor => {
  const dropped = dropout(gelu(linear(x as never, weight as never)), { rate: 0.25, seed });
  return add(x, linear(dropped as never, weight as never) as Tensor);
};

const plain = (): Tensor => sum(square(weights.reduce<Tensor>((x, weight, seed) => block(x, weight, seed), input)));
const checkpointed = (): Tensor => {
  const layer = (x: Tensor, weight: Variable, seed: number): Tensor =>
    checkpoint((x) => block(x, weight, seed), x, [weight]);
  return sum(square(weights.reduce<Tensor>(layer, input)));
};

const valuesOf = (f: () => Tensor, xs: readonly Variable[] = [input, ...weights]): number[][] =>
  tidy(() => {
    const { value, gradients } = valueAndGradients(f, xs);
    return [value, ...gradients].map((tensor) => Array.from((tensor as Tensor).dataSync()));
  });

describe("checkpoint", () => {
  it("changes neither value nor gradients, to the last bit", () => {
    expect(valuesOf(checkpointed)).toEqual(valuesOf(plain));
  });

  it("leaves nothing behind", () => expectNoLeak(() => valuesOf(checkpointed)));

  it("nests", () => {
    const nested = (): Tensor =>
      sum(
        checkpoint(
          (x) => checkpoint((x) => block(x, weights[1], 1), block(x, weights[0], 0), [weights[1]]),
          input,
          weights.slice(0, 2),
        ),
      );
    const direct = (): Tensor => sum(block(block(input, weights[0], 0), weights[1], 1));
    const xs = [input, weights[0], weights[1]];
    expect(valuesOf(nested, xs)).toEqual(valuesOf(direct, xs));
  });

  it("keeps one tensor of a block instead of all that its backward pass reads", () => {
    const depth = 20;
    const deep = (layer: (x: Tensor) => Tensor) => () =>
      sum(Array.from({ length: depth }).reduce<Tensor>(layer, input));
    const [weight] = weights;
    const plain = deep((x) => block(x, weight, 1));
    const kept = deep((x) => checkpoint((x) => block(x, weight, 1), x, [weight]));
    const peak = (f: () => Tensor): number =>
      usageOf(() => valuesOf(() => tidy(f), [input, weight])).bytes / (size * size * 4);
    expect(peak(plain)).toBeGreaterThan(4 * depth); // its input, and those of gelu, dropout and the second product
    expect(peak(kept)).toBeLessThan(2 * depth);
  });

  it("computes once where no gradient is wanted", () => {
    const f = vi.fn((x: Tensor) => mul(x, 2));
    tidy(() => checkpoint(f, input, []));
    expect(f).toHaveBeenCalledTimes(1);
  });

  it("counts a parameter once that is named twice, or is x", () => {
    const [w] = weights;
    const twice = (): Tensor => sum(checkpoint((x) => block(x, w, 1), w, [w, w]));
    const [found, expected] = [valuesOf(twice, [w]), valuesOf(() => sum(block(w, w, 1)), [w])];
    expectClose(found.flat(), expected.flat()); // the terms are added up in another order
  });

  it("may return what it was given, or a parameter, which stay", () => {
    const [w] = weights;
    const given = (f: (x: Tensor) => Tensor) => () => sum(mul(checkpoint(f, input, [w]), w));
    for (const f of [(x: Tensor) => x, () => w]) {
      expect(valuesOf(given(f), [input, w]).slice(0, 1)).toEqual(
        valuesOf(() => sum(mul(f(input), w)), [w]).slice(0, 1),
      );
      expect([input, w].some(({ isDisposed }) => isDisposed)).toBe(false);
    }
    expect(
      valuesOf(
        given((x) => x),
        [input, w],
      ),
    ).toEqual(valuesOf(() => sum(mul(input, w)), [input, w]));
  });

  it("leaves frozen parameters alone", () => {
    const frozen = variable(tensor1d([3]), false);
    const x: Variable = variable(tensor1d([2]));
    const scaled = (): Tensor => sum(checkpoint((x) => mul(x, frozen), x, [frozen]));
    expect(valuesOf(scaled, [x])).toEqual([[6], [3]]);
    for (const tensor of [frozen, x]) tensor.dispose();
  });
});
