import { fused, grad, matMul, memory, type Tensor, type Tensor2D, tensor1d, tensor2d, tidy } from "@tensorflow/tfjs";
import { linear, linearCrossEntropy } from "@tessera-lm/ops";
import { describe, expect, it } from "vitest";
import { EngineError } from "../../errors.ts";
import { engines } from "../../testing/engines.ts";
import { expectPlainProducts } from "../../testing/matrices.ts";
import { expectAsOnCpu, gradientsOf, on, ramp, tensorOf } from "../../testing/on-backend.ts";

describe.each(engines)("on %s", (name) => {
  it("matMul equals three plain loops for all shapes, transposes and batches, empty ones too", async () => {
    await expectPlainProducts(name, 100);
  });

  it("matMul says which sizes differ", async () => {
    await expect(on(name, () => matMul(tensorOf(ramp([2, 3])), tensorOf(ramp([4, 5]))))).rejects.toThrow(/3.*4/);
  });

  it("matMul refuses a vector", async () => {
    await expect(on(name, () => matMul(tensorOf(ramp([2, 3])), tensorOf(ramp([3]))))).rejects.toThrow(
      "(3) is not a matrix",
    );
  });

  it("matMul of integers is cpu's", async () => {
    const x = { shape: [3, 3], values: [1, 2, 3, 4, 5, 6, 7, 8, 9], dtype: "int32" as const };
    await expectAsOnCpu(name, () => matMul(tensorOf(x), tensorOf(x)));
  });

  it.each(["linear", "relu", "relu6", "elu", "prelu", "leakyrelu", "sigmoid"] as const)(
    "fused.matMul with %s is cpu's",
    async (activation) => {
      for (const [transposeB, bias] of [
        [false, ramp([19], 2)],
        [true, undefined],
        [false, ramp([17, 1], 2)],
      ] as const) {
        await expectAsOnCpu(name, () =>
          fused.matMul({
            a: tensorOf(ramp([17, 33])),
            b: tensorOf(ramp(transposeB ? [19, 33] : [33, 19], 1)),
            transposeB,
            ...(bias && { bias: tensorOf(bias) }),
            activation,
            preluActivationWeights: tensorOf(ramp([1])),
            leakyreluAlpha: 0.3,
          }),
        );
      }
    },
  );

  it.each([
    [1, 40, 33],
    [5, 64, 300],
    [70, 130, 65],
  ])("linear of %d rows, (%d, %d) is cpu's", async (n, i, o) => {
    const inputs = [ramp([n, i]), ramp([i, o], 1), ramp([o], 2)];
    const layer = (...[x, weight, bias]: Tensor[]) => linear(x as Tensor2D, weight as Tensor2D, bias as never);
    await expectAsOnCpu(name, () => layer(...inputs.map(tensorOf)), 1e-4);
    await expectAsOnCpu(name, gradientsOf(layer, inputs), 1e-4);
  });

  it("linearCrossEntropy refuses a target outside of the vocabulary, and names it", async () => {
    const loss = (target: number) => () =>
      linearCrossEntropy(
        tensor2d([1, 2, 3, 4], [2, 2]),
        tensor2d([1, 2, 3, 4], [2, 2]),
        tensor1d([-1, target], "int32"),
      );
    await expect(on(name, loss(2))).rejects.toThrow(EngineError);
    await expect(on(name, loss(2))).rejects.toThrow("no target 2 (in row 1): there are 2 logits");
    await expect(on(name, loss(-2))).rejects.toThrow("no target -2 (in row 1)");
  });

  it("linearCrossEntropy leaves out ignored rows whatever they hold", async () => {
    const hidden = { shape: [3, 2], values: [1, 2, Number.NaN, Number.POSITIVE_INFINITY, 0.5, -1] };
    const loss = (x: Tensor, weight: Tensor) =>
      linearCrossEntropy(x as Tensor2D, weight as Tensor2D, tensor1d([0, -1, 3], "int32"));
    await expectAsOnCpu(name, () => loss(tensorOf(hidden), tensorOf(ramp([4, 2]))));
    await expectAsOnCpu(name, gradientsOf(loss, [hidden, ramp([4, 2])]));
  });

  it("linearCrossEntropy of no rows is 0, and its gradient too", async () => {
    const loss = (x: Tensor, weight: Tensor) =>
      linearCrossEntropy(x as Tensor2D, weight as Tensor2D, tensor1d([], "int32"));
    expect((await on(name, () => loss(tensorOf(ramp([0, 2])), tensorOf(ramp([4, 2]))))).values).toEqual([0]);
    const gradient = await on(name, gradientsOf(loss, [ramp([0, 2]), ramp([4, 2])]));
    expect(gradient.values).toEqual(new Array(8).fill(0));
  });

  it("scales the gradients of linearCrossEntropy in place, and never twice", async () => {
    const [hidden, weight] = [ramp([6, 3]), ramp([5, 3], 1)];
    const mean = (w: Tensor) =>
      linearCrossEntropy(tensorOf(hidden) as Tensor2D, w as Tensor2D, tensor1d([0, 1, 2, 3, 4, -1], "int32")).div(5);
    const twice = () => {
      const w = tensorOf(weight);
      return grad(mean)(w).concat(grad((w) => mean(w).add(mean(w)))(w));
    };
    await expectAsOnCpu(name, twice);
    await on(name, () => tensor1d([0]));
    const before = memory();
    tidy(() => void twice());
    expect(memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });
});
