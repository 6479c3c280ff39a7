import {
  backend,
  memory,
  scalar,
  softmax,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from "@tensorflow/tfjs";
import { crossEntropy, dropout, embedding, linearCrossEntropy, valueAndGradients } from "@tessera-lm/ops";
import { describe, expect, it, vi } from "vitest";
import { EngineError } from "../../errors.ts";
import { engines } from "../../testing/engines.ts";
import { expectAsOnCpu, gradientsOf, on, ramp, tensorOf } from "../../testing/on-backend.ts";
import type { EngineBackend } from "../backend.ts";

describe.each(engines)("on %s", (name) => {
  it("embedding refuses an id that its table has not, and names both", async () => {
    const lookup = (id: number) => () => embedding(tensor1d([0, id], "int32"), tensor2d([1, 2, 3, 4, 5, 6], [3, 2]));
    await expect(on(name, lookup(3))).rejects.toThrow(EngineError);
    await expect(on(name, lookup(3))).rejects.toThrow("no id 3 (at position 1): its table has 3 rows");
    await expect(on(name, lookup(-1))).rejects.toThrow("no id -1 (at position 1): its table has 3 rows");
  });

  it("the gradient of an embedding is added to the one that its table has already, in place", async () => {
    const [table, ids] = [ramp([5, 3]), [4, 0, 4]];
    const gradient = () => {
      const [rows, weight] = [tensor1d(ids, "int32"), tensorOf(table) as Tensor2D];
      const loss = () => linearCrossEntropy(embedding(rows, weight) as Tensor2D, weight, tensor1d([1, 4, 2], "int32"));
      return valueAndGradients(loss, [weight]).gradients[0] as Tensor;
    };
    await expectAsOnCpu(name, gradient);
    const before = await on(name, () => scalar(memory().numTensors)); // now the current backend is this one
    const commands = vi.spyOn(backend() as EngineBackend, "run");
    tidy(gradient).dispose();
    const gathered = commands.mock.calls.filter(([command]) => command === "embedding_gradient");
    expect(gathered.map(([, accumulate]) => accumulate)).toEqual([true]);
    expect(memory().numTensors).toBe(before.values[0]);
    commands.mockRestore();
  });

  it("crossEntropy refuses a target that there is no logit for, and names it", async () => {
    const loss = () => crossEntropy(tensor2d([1, 2, 3, 4], [2, 2]), tensor1d([-1, 2], "int32"));
    await expect(on(name, loss)).rejects.toThrow("no target 2 (in row 1): there are 2 logits");
  });

  it("crossEntropy leaves out ignored rows whatever they hold", async () => {
    const logits = { shape: [2, 2], values: [Number.NaN, Number.POSITIVE_INFINITY, 1, 2] };
    const loss = (x: ReturnType<typeof tensorOf>) => crossEntropy(x as never, tensor1d([-1, 0], "int32"));
    const { values } = await on(name, () => loss(tensorOf(logits)));
    expect(values[0]).toBe(0);
    const gradient = await on(name, gradientsOf(loss as never, [logits]));
    expect(gradient.values.slice(0, 2)).toEqual([0, 0]);
    expect(gradient.values[2]).toBeLessThan(0);
  });

  it.each([-1, 2 ** 31, 2 ** 32 + 7])("dropout with the seed %d drops what cpu drops", async (seed) => {
    await expectAsOnCpu(name, () => dropout(tensorOf(ramp([5, 101])), { rate: 0.5, seed }));
  });

  it.each([[[1]], [[3, 5]], [[2, 3, 1031]], [[0, 4]]])("softmax of (%j) is cpu's", async (shape) => {
    await expectAsOnCpu(name, () => softmax(tensorOf(ramp(shape))));
  });

  it("softmax leaves out −∞, and shows NaN in its row alone", async () => {
    const x = [0, Number.NEGATIVE_INFINITY, 0, 0, Number.NaN, 0];
    const { values } = await on(name, () => softmax(tensor2d(x, [2, 3])));
    expect(values).toEqual([0.5, 0, 0.5, Number.NaN, Number.NaN, Number.NaN]);
  });
});
