import { memory, mul, type Scalar, setBackend, square, sum, tensor1d } from "@tensorflow/tfjs";
import { type Parameter, parameter } from "@tessera-lm/layers";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FrozenParameterError, NoTargetsError, UnreachedParameterError } from "./errors.ts";
import { lossAndGradients } from "./loss-and-gradients.ts";
import type { Objective } from "./objective.ts";
import { disposeGradients } from "./optimizers/gradients.ts";

beforeAll(() => setBackend("cpu"));

/** Σ (w · x)²: its gradient is 2 w Σ x². A zero stands for a target that is ignored. */
const w = (): Map<string, Parameter> => new Map([["w", parameter(tensor1d([3]))]]);
const squares =
  (parameters: Map<string, Parameter>): Objective<number[]> =>
  (batch) => ({
    loss: sum(square(mul(parameters.get("w") ?? 0, tensor1d(batch)))) as Scalar,
    count: batch.filter((x) => x !== 0).length,
  });

describe("lossAndGradients", () => {
  let buffers = 0;
  beforeEach(() => {
    buffers = memory().numDataBuffers;
  });
  afterEach(() => expect(memory().numDataBuffers).toBe(buffers));

  it("divides the sum over all micro-batches by the number of all targets", async () => {
    const parameters = w();
    const batches = [[1, 2], [3, 0], [0], [4, 5, 6]];
    const result = await lossAndGradients({ parameters, objective: squares(parameters), batches, seed: 0, step: 1 });
    const { tensors, scale, norm } = result.gradients;
    expect(result.targets).toBe(6);
    expect(result.loss).toBeCloseTo((9 * 91) / 6, 4);
    expect(scale * (tensors.get("w")?.dataSync()[0] ?? 0)).toBeCloseTo((6 * 91) / 6, 4);
    expect(norm).toBeCloseTo((6 * 91) / 6, 4);
    disposeGradients(result.gradients);
    parameters.get("w")?.dispose();
  });

  it("gives every step and every micro-batch its own seed, the same each time", async () => {
    const parameters = w();
    const seeds: number[] = [];
    const objective: Objective<number[]> = (batch, { seed }) => {
      seeds.push(seed);
      return squares(parameters)(batch, { seed });
    };
    for (const [seed, step] of [
      [1, 1],
      [1, 2],
      [2, 1],
      [1, 1],
    ]) {
      const result = await lossAndGradients({ parameters, objective, batches: [[1], [2]], seed, step });
      disposeGradients(result.gradients);
    }
    expect(new Set(seeds.slice(0, 6)).size).toBe(6);
    expect(seeds.slice(6)).toEqual(seeds.slice(0, 2));
    parameters.get("w")?.dispose();
  });

  it("names a parameter that the loss does not reach", async () => {
    const parameters = w();
    const objective = squares(parameters);
    const trained = new Map([...parameters, ["forgotten.weight", parameter(tensor1d([1]))]]);
    const failing = lossAndGradients({ parameters: trained, objective, batches: [[1]], seed: 0, step: 1 });
    await expect(failing).rejects.toThrow(UnreachedParameterError);
    await expect(failing).rejects.toThrow(/forgotten\.weight/);
    for (const parameter of trained.values()) parameter.dispose();
  });

  it("says that a parameter is frozen, and what to do", async () => {
    const parameters = w();
    const trained = parameters.get("w") as Parameter;
    trained.trainable = false;
    const failing = lossAndGradients({ parameters, objective: squares(parameters), batches: [[1]], seed: 0, step: 1 });
    await expect(failing).rejects.toThrow(FrozenParameterError);
    await expect(failing).rejects.toThrow(/"w" is frozen.*set its `trainable` to true/);
    trained.dispose();
  });

  it("refuses a step without any target", async () => {
    const parameters = w();
    const failing = lossAndGradients({
      parameters,
      objective: squares(parameters),
      batches: [[0], [0, 0]],
      seed: 0,
      step: 7,
    });
    await expect(failing).rejects.toThrow(NoTargetsError);
    await expect(failing).rejects.toThrow(/Step 7/);
    parameters.get("w")?.dispose();
  });
});
