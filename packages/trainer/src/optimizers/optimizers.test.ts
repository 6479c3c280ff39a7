import { memory, setBackend, type Tensor, tensor, type Variable, variable } from "@tensorflow/tfjs";
import type { HostTensor } from "@tessera-lm/weights";
import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { CheckpointMismatchError, InvalidOptionError } from "../errors.ts";
import { adamw } from "./adamw.ts";
import { chain } from "./chain.ts";
import { clipByGlobalNorm } from "./clip-by-global-norm.ts";
import type { Gradients } from "./gradients.ts";
import type { Optimizer } from "./optimizer.ts";
import { sgd } from "./sgd.ts";
import { UpdateCounts } from "./update-counts.ts";

type Values = Record<string, number[]>;

const made: { dispose(): void }[] = [];
afterEach(() => made.splice(0).forEach((item) => item.dispose()));
beforeAll(() => setBackend("cpu"));

/** Names that begin with `matrix` become rank 2, all others rank 1. */
const shapeOf = (name: string, values: number[]): number[] =>
  name.startsWith("matrix") ? [values.length, 1] : [values.length];

function parametersOf(values: Values): Map<string, Variable> {
  return new Map(
    Object.entries(values).map(([name, numbers]) => {
      const initial = tensor(numbers, shapeOf(name, numbers));
      const parameter = variable(initial);
      made.push(initial, parameter);
      return [name, parameter];
    }),
  );
}

function gradientsOf(values: Values, scale = 1): Gradients {
  const tensors = new Map(
    Object.entries(values).map(([name, numbers]) => [name, tensor(numbers, shapeOf(name, numbers)) as Tensor]),
  );
  made.push(...tensors.values());
  return { tensors, scale, norm: scale * Math.hypot(...Object.values(values).flat()) };
}

const valuesOf = (parameters: ReadonlyMap<string, Tensor>): Values =>
  Object.fromEntries([...parameters].map(([name, parameter]) => [name, [...parameter.dataSync()]]));

/** The state as a checkpoint would give it back. */
async function hostState(optimizer: Optimizer): Promise<Map<string, HostTensor>> {
  const host = new Map<string, HostTensor>();
  for (const [name, value] of optimizer.state()) {
    const { dtype, shape } = value;
    host.set(name, { dtype, shape, data: ("read" in value ? await value.read() : value.data).slice() });
  }
  return host;
}

describe("adamw", () => {
  it("is its formula, written out with numbers", () => {
    const parameters = parametersOf({ matrix: [1], vector: [1] });
    const optimizer = adamw({
      learningRate: (step) => 0.1 / step,
      beta1: 0.8,
      beta2: 0.9,
      epsilon: 0.01,
      weightDecay: 0.5,
    });
    let [p, m, v] = [1, 0, 0];
    let withoutDecay = 1;
    for (const [i, g] of [0.5, -2, 3].entries()) {
      optimizer.update(parameters, gradientsOf({ matrix: [2 * g], vector: [2 * g] }, 0.5), i + 1);
      const learningRate = 0.1 / (i + 1);
      m = 0.8 * m + 0.2 * g;
      v = 0.9 * v + 0.1 * g * g;
      const update = m / (1 - 0.8 ** (i + 1)) / (Math.sqrt(v / (1 - 0.9 ** (i + 1))) + 0.01);
      p -= learningRate * (update + 0.5 * p);
      withoutDecay -= learningRate * update;
    }
    expect(valuesOf(parameters).matrix[0]).toBeCloseTo(p, 5);
    expect(valuesOf(parameters).vector[0]).toBeCloseTo(withoutDecay, 5);
    optimizer.dispose();
  });

  it("decays what the predicate says", () => {
    const parameters = parametersOf({ matrix: [1], vector: [1] });
    const optimizer = adamw({ learningRate: 0.1, weightDecay: 1, decays: (name) => name === "vector" });
    optimizer.update(parameters, gradientsOf({ matrix: [0], vector: [0] }), 1);
    expect(valuesOf(parameters).matrix[0]).toBe(1);
    expect(valuesOf(parameters).vector[0]).toBeCloseTo(0.9, 6);
    optimizer.dispose();
  });

  it("corrects each parameter by its own number of updates, whatever the step of the run", () => {
    const gradients = [0.5, -2, 3].map((g) => ({ late: [g] }));
    const alone = parametersOf({ late: [1] });
    const [reference, optimizer] = [adamw({ learningRate: 0.1 }), adamw({ learningRate: 0.1 })];
    for (const [i, gradient] of gradients.entries()) reference.update(alone, gradientsOf(gradient), i + 1);
    const early = parametersOf({ early: [1] });
    for (const step of [1, 2]) optimizer.update(early, gradientsOf({ early: [1] }), step);
    const both = new Map([...early, ...parametersOf({ late: [1] })]);
    for (const [i, gradient] of gradients.entries()) {
      optimizer.update(both, gradientsOf({ early: [-1], ...gradient }), i + 3);
    }
    expect(valuesOf(both).late).toEqual(valuesOf(alone).late);
    const earlyAlone = parametersOf({ early: [1] });
    const second = adamw({ learningRate: 0.1 });
    for (const [i, g] of [1, 1, -1, -1, -1].entries()) second.update(earlyAlone, gradientsOf({ early: [g] }), i + 1);
    expect(valuesOf(both).early).toEqual(valuesOf(earlyAlone).early);
    for (const made of [reference, optimizer, second]) made.dispose();
  });

  it("updates parameters of one count together", () => {
    const counts = new UpdateCounts();
    const early = parametersOf({ a: [1], b: [1] });
    expect([...counts.next(early)].map(([count, group]) => [count, group.length])).toEqual([[1, 2]]);
    const all = new Map([...early, ...parametersOf({ c: [1] })]);
    const groups = [...counts.next(all)].map(([count, group]) => [count, group.map(([name]) => name)]);
    expect(groups).toEqual([
      [2, ["a", "b"]],
      [1, ["c"]],
    ]);
  });

  it("frees its state", () => {
    const before = memory().numDataBuffers;
    const optimizer = adamw({ learningRate: 0.1 });
    optimizer.update(parametersOf({ a: [1, 2] }), gradientsOf({ a: [1, 1] }), 1);
    optimizer.dispose();
    made.splice(0).forEach((item) => item.dispose());
    expect(memory().numDataBuffers).toBe(before);
  });
});

describe("sgd", () => {
  it("is its formula, written out with numbers", () => {
    const parameters = parametersOf({ a: [1] });
    const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
    optimizer.update(parameters, gradientsOf({ a: [2] }), 1);
    optimizer.update(parameters, gradientsOf({ a: [4] }, 0.5), 2);
    expect(valuesOf(parameters).a[0]).toBeCloseTo(1 - 0.1 * 2 - 0.1 * (0.9 * 2 + 2), 6);
    optimizer.dispose();
  });

  it("remembers nothing without momentum", () => {
    const parameters = parametersOf({ a: [1] });
    const optimizer = sgd({ learningRate: 0.5 });
    optimizer.update(parameters, gradientsOf({ a: [1] }), 1);
    expect(valuesOf(parameters)).toEqual({ a: [0.5] });
    expect(optimizer.state().size).toBe(0);
  });
});

describe("clipByGlobalNorm", () => {
  it("scales all gradients together, and only those that are too long", () => {
    const gradients = gradientsOf({ a: [3], b: [4] }, 2); // norm 10
    const clipped = clipByGlobalNorm(1)(gradients);
    expect(clipped.scale).toBeCloseTo(0.2, 6);
    expect(clipped.norm).toBeCloseTo(1, 6);
    expect(clipped.tensors).toBe(gradients.tensors);
    expect(clipByGlobalNorm(11)(gradients)).toEqual(gradients);
  });

  it("works in a chain, from left to right", () => {
    const parameters = parametersOf({ a: [0], b: [0] });
    const double = (gradients: Gradients) => ({ ...gradients, scale: 2 * gradients.scale });
    const optimizer = chain(clipByGlobalNorm(1), double, sgd({ learningRate: 1 }));
    optimizer.update(parameters, gradientsOf({ a: [3], b: [4] }), 1);
    expect(valuesOf(parameters).a[0]).toBeCloseTo(-1.2, 5);
    expect(valuesOf(parameters).b[0]).toBeCloseTo(-1.6, 5);
  });
});

describe("the state of an optimiser", () => {
  const optimizers: Record<string, () => Optimizer> = {
    adamw: () => chain(clipByGlobalNorm(1), adamw({ learningRate: 0.1 })),
    sgd: () => sgd({ learningRate: 0.1, momentum: 0.9 }),
  };
  const float = fc.float({ min: -10, max: 10, noNaN: true });
  const histories = fc.array(fc.record({ matrix: fc.tuple(float, float), b: fc.tuple(float) }), {
    minLength: 2,
    maxLength: 5,
  });

  it.each(Object.keys(optimizers))("%s: the next update after a restore is the same to the last bit", async (kind) => {
    await fc.assert(
      fc.asyncProperty(histories, async (history) => {
        const start = { matrix: [1, -2], b: [0.5] };
        const [original, restored] = [optimizers[kind](), optimizers[kind]()];
        const [parameters, last] = [parametersOf(start), history.length];
        for (const [i, gradients] of history.slice(0, -1).entries())
          original.update(parameters, gradientsOf(gradients), i + 1);
        // The same parameters in another order: state must follow the name.
        const copies = parametersOf(Object.fromEntries(Object.entries(valuesOf(parameters)).reverse()));
        restored.restore(await hostState(original), copies);
        original.update(parameters, gradientsOf(history[last - 1]), last);
        // A second run counts its steps from 1 again: only the learning rate may depend on them.
        restored.update(copies, gradientsOf(history[last - 1]), 1);
        expect(valuesOf(copies)).toEqual(valuesOf(parameters));
        const sorted = async (optimizer: Optimizer) => [...(await hostState(optimizer))].sort();
        expect(await sorted(restored)).toEqual(await sorted(original));
        original.dispose();
        restored.dispose();
      }),
      { numRuns: 30 },
    );
  });

  it("is named by kind and parameter", () => {
    const optimizer = adamw({ learningRate: 0.1 });
    optimizer.update(parametersOf({ "blocks.0.bias": [1] }), gradientsOf({ "blocks.0.bias": [1] }), 1);
    const names = ["first_moment.blocks.0.bias", "second_moment.blocks.0.bias", "updates.blocks.0.bias"];
    expect([...optimizer.state().keys()]).toEqual(names);
    optimizer.dispose();
  });

  it.each([
    ["a missing name", { b: [1, 2] }, "first_moment.a"],
    ["another shape", { a: [1, 2, 3], b: [1, 2] }, "first_moment.a"],
    ["a name too many", { a: [1, 2], b: [1, 2], c: [1] }, "first_moment.c"],
  ])("refuses %s, names it and keeps what it had", async (_what, saved: Values, tensorName) => {
    const [other, optimizer] = [adamw({ learningRate: 0.1 }), adamw({ learningRate: 0.1 })];
    other.update(parametersOf(saved), gradientsOf(saved), 1);
    const own = { a: [5, 6], b: [7, 8] };
    const parameters = parametersOf(own);
    optimizer.update(parameters, gradientsOf(own), 1);
    const [before, foreign] = [await hostState(optimizer), await hostState(other)];
    const restoring = () => optimizer.restore(foreign, parameters);
    expect(restoring).toThrow(CheckpointMismatchError);
    expect(restoring).toThrow(expect.objectContaining({ tensor: tensorName }));
    expect(await hostState(optimizer)).toEqual(before);
    other.dispose();
    optimizer.dispose();
  });

  it("refuses another dtype", () => {
    const parameters = parametersOf({ a: [1] });
    const state = new Map([["momentum.a", { dtype: "I64", shape: [1], data: new BigInt64Array(1) } as const]]);
    const optimizer = sgd({ learningRate: 1, momentum: 0.9 });
    expect(() => optimizer.restore(state, parameters)).toThrow(/momentum\.a is I64; expected F32/);
    expect(optimizer.state().size).toBe(0);
  });
});

describe("an optimiser that cannot be", () => {
  const numbers = [Number.NaN, Number.POSITIVE_INFINITY, -1];

  it.each(["learningRate", "beta1", "beta2", "epsilon", "weightDecay"])("adamw refuses a bad %s", (option) => {
    for (const value of numbers) {
      expect(() => adamw({ learningRate: 1, [option]: value })).toThrow(InvalidOptionError);
      expect(() => adamw({ learningRate: 1, [option]: value })).toThrow(`${option} is ${value}; expected`);
    }
  });

  it.each([{ beta1: 1 }, { beta2: 1 }, { epsilon: 0 }])("adamw refuses %j, which would divide by zero", (options) => {
    expect(() => adamw({ learningRate: 1, ...options })).toThrow(InvalidOptionError);
  });

  it.each(numbers)("sgd and clipByGlobalNorm refuse %d", (value) => {
    expect(() => sgd({ learningRate: value })).toThrow(InvalidOptionError);
    expect(() => sgd({ learningRate: 1, momentum: value })).toThrow(InvalidOptionError);
    expect(() => clipByGlobalNorm(value)).toThrow(InvalidOptionError);
  });

  it.each([adamw, sgd])("a schedule is asked at every step, before anything changes", (make) => {
    const parameters = parametersOf({ a: [1] });
    const optimizer = make({ learningRate: (step) => (step === 1 ? 0 : Number.NaN) });
    optimizer.update(parameters, gradientsOf({ a: [1] }), 1);
    const update = () => optimizer.update(parameters, gradientsOf({ a: [1] }), 2);
    expect(update).toThrow("learningRate of step 2 is NaN; expected a finite number of at least 0.");
    expect(valuesOf(parameters)).toEqual({ a: [1] });
    optimizer.dispose();
  });
});
