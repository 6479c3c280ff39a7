import {
  addN,
  backend,
  engine,
  memory,
  type Scalar,
  scalar,
  type Tensor,
  tensor,
  tensor1d,
  type Variable,
  variable,
  zeros,
} from "@tensorflow/tfjs";
import { adamwStep } from "@tessera-lm/ops";
import { afterEach, describe, expect, it } from "vitest";
import { engines } from "../../testing/engines.ts";
import { expectAsOnCpu, ramp, tensorOf } from "../../testing/on-backend.ts";
import { useBackend } from "../../use-backend.ts";

const rates = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecays: [0.1, 0] };

interface State {
  readonly parameters: Variable[];
  readonly firstMoments: Variable[];
  readonly secondMoments: Variable[];
}

const values: readonly Float32Array[] = [Float32Array.of(1, -2, 3), Float32Array.of(4)];
const newState = (): State => {
  const moments = () => values.map(({ length }) => owning(zeros([length])));
  return {
    parameters: values.map((value) => owning(tensor1d(value))),
    firstMoments: moments(),
    secondMoments: moments(),
  };
};
/** A variable that nobody shares memory with. */
const owning = (initial: Tensor): Variable => {
  const result = variable(initial);
  initial.dispose();
  return result;
};
const step = (state: State): void => {
  const gradients = values.map((value) => tensor1d(value.map((x) => x / 7)));
  adamwStep({ ...state, gradients, ...rates, step: 1 });
  for (const gradient of gradients) gradient.dispose();
};
const all = ({ parameters, firstMoments, secondMoments }: State) => [...parameters, ...firstMoments, ...secondMoments];

describe.each(engines)("on %s", (name) => {
  afterEach(() => engine().disposeVariables());

  it("adamwStep rewrites parameters and moments where they are, and leaves nothing behind", async () => {
    await useBackend(name);
    const state = newState();
    const dataIds = all(state).map(({ dataId }) => dataId);
    const count = (): number[] => [memory().numTensors, memory().numDataBuffers, backend().numDataIds()];
    const before = count();
    step(state);
    expect(count()).toEqual(before);
    expect(all(state).map(({ dataId }) => dataId)).toEqual(dataIds);
    expect(await (state.parameters[1] as Variable).data()).toEqual(Float32Array.of(Math.fround(3.9)));
  });

  it("adamwStep leaves alone what somebody else holds", async () => {
    await useBackend(name);
    const state = newState();
    const clones = all(state).map((tensor) => tensor.clone());
    step(state);
    const [first, second] = state.parameters as [Variable, Variable];
    expect(await clones[0]?.data()).toEqual(values[0]);
    expect(await clones[1]?.data()).toEqual(values[1]);
    expect(await clones[2]?.data()).toEqual(new Float32Array(3));
    expect(await first.data()).not.toEqual(values[0]);
    expect(await second.data()).not.toEqual(values[1]);
    for (const clone of clones) clone.dispose();
  });

  it("adamwStep keeps moments apart that began as one tensor", async () => {
    await useBackend(name);
    const zero = zeros([1]);
    const [p, m, v] = [variable(tensor1d([4])), variable(zero), variable(zero)];
    const gradients = [tensor1d([2])];
    adamwStep({
      parameters: [p],
      firstMoments: [m],
      secondMoments: [v],
      gradients,
      ...rates,
      weightDecays: [0],
      step: 1,
    });
    expect(m.dataSync()[0]).toBeCloseTo(0.2, 6);
    expect(v.dataSync()[0]).toBeCloseTo(0.04, 6);
    expect(zero.dataSync()[0]).toBe(0);
  });

  it("adamwStep reads a parameter or moment that is a gradient, too, as it was before the step", async () => {
    const stepWith = async (copy: (x: Variable) => Tensor): Promise<number[][]> => {
      await useBackend(name);
      const [p, m, v, q] = [4, 1, 2, 3].map((x) => owning(tensor1d([x]))) as [Variable, Variable, Variable, Variable];
      const [s, n, u] = [0.5, 0, 0].map((x) => owning(scalar(x))) as [Variable, Variable, Variable];
      const [qm, qv] = [owning(zeros([1])), owning(zeros([1]))];
      adamwStep({
        parameters: [s, p, q],
        firstMoments: [n, m, qm],
        secondMoments: [u, v, qv],
        gradients: [scalar(1), copy(p), copy(m)],
        gradientScale: copy(s) as Scalar,
        ...rates,
        weightDecays: [0, 0, 0],
        step: 1,
      });
      return [s, p, m, v, q, qm, qv].map((x) => Array.from(x.dataSync()));
    };
    const expected = await stepWith((x) => tensor(x.arraySync()));
    expect(await stepWith((x) => x)).toEqual(expected);
  });

  it.each([1, 2, 5])("addN of %d tensors is that of cpu", async (count) => {
    const terms = (): Tensor[] => Array.from({ length: count }, (_, i) => tensorOf(ramp([3, 1021], i)));
    await expectAsOnCpu(name, () => addN(terms()));
  });
});
