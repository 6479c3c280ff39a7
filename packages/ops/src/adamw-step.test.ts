import {
  ones,
  type Scalar,
  scalar,
  type Tensor,
  tidy,
  type Variable,
  variable,
  zeros,
  zerosLike,
} from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { type AdamwStepOptions, adamwStep, globalNorm, OptionError, ShapeError } from "./index.ts";
import { backends, expectClose, expectNoLeak, fixture, tensorOf, usageOf, use } from "./test-support.ts";

const { adamw } = fixture;

interface State {
  parameters: Variable[];
  firstMoments: Variable[];
  secondMoments: Variable[];
}

function initialState(): State {
  const tensors = adamw.initial.map(tensorOf);
  const zeros = () => tensors.map((tensor) => variable(zerosLike(tensor)));
  return { parameters: tensors.map((tensor) => variable(tensor)), firstMoments: zeros(), secondMoments: zeros() };
}

function options(state: State, gradients: Tensor[], step: number, gradientScale?: Scalar): AdamwStepOptions {
  return { ...adamw.options, ...state, gradients, step, ...(gradientScale && { gradientScale }) };
}

describe.each(backends)("on %s", (backend) => {
  beforeAll(() => use(backend));

  it("takes the same steps as torch.optim.AdamW, with decay for some parameters", () => {
    const state = initialState();
    for (const [i, expected] of adamw.steps.entries()) {
      adamwStep(options(state, expected.gradients.map(tensorOf), i + 1, scalar(adamw.gradientScale)));
      for (const name of ["parameters", "firstMoments", "secondMoments"] as const) {
        for (const [k, numbers] of expected[name].entries())
          expectClose(state[name][k]?.dataSync() ?? [], numbers.values);
      }
    }
  });

  it("leaves no tensor behind", () => {
    const state = initialState();
    const gradients = adamw.initial.map(tensorOf);
    expectNoLeak(() => adamwStep(options(state, gradients, 1)));
  });

  it("does not touch a copy of a parameter", () => {
    const state = initialState();
    const copy = state.parameters[0]?.clone() as Tensor;
    const before = copy.dataSync().slice();
    adamwStep(options(state, adamw.initial.map(tensorOf), 1));
    expect(copy.dataSync()).toEqual(before);
    expect(state.parameters[0]?.dataSync()).not.toEqual(before);
  });

  it("needs no more memory for many parameters than for one", () => {
    const buffersFor = (count: number) => {
      const list = <T>(make: () => T) => Array.from({ length: count }, make);
      const [p, m, v] = [0, 1, 2].map(() => list(() => tidy(() => variable(zeros([10]))))) as [
        Variable[],
        Variable[],
        Variable[],
      ];
      const state = { parameters: p, firstMoments: m, secondMoments: v, weightDecays: list(() => 0.1) };
      const gradients = list(() => ones([10]));
      return usageOf(() => adamwStep({ ...options(state, gradients, 1, scalar(0.5)), ...state })).dataBuffers;
    };
    expect(buffersFor(8)).toBe(buffersFor(1));
    expect(buffersFor(1)).toBeGreaterThan(0);
  });

  it("measures a length with the squares of one tensor at a time", () => {
    const bytesFor = (count: number) => {
      const tensors = Array.from({ length: count }, () => ones([1000]));
      return usageOf(() => globalNorm(tensors).dispose()).bytes;
    };
    expect(bytesFor(9) - bytesFor(2)).toBeLessThan(1000);
  });

  it("measures the length of all gradients together", () => {
    const tensors = fixture.globalNorm.tensors.map(tensorOf);
    const norm = globalNorm(tensors);
    expectClose(norm.dataSync(), [fixture.globalNorm.norm]);
    expect(norm.shape).toEqual([]);
    expectNoLeak(() => globalNorm(tensors).dispose());
    expect(globalNorm([]).dataSync()[0]).toBe(0);
  });
});

it("names the gradient that does not fit", () => {
  const state = initialState();
  const [first] = adamw.initial.map(tensorOf) as [Tensor];
  expect(() => adamwStep(options(state, [first, first], 1))).toThrow(ShapeError);
  expect(() => adamwStep(options(state, [first, first], 1))).toThrow(
    "gradients[1] must have shape (4), but has shape (3, 4)",
  );
  expect(() => adamwStep(options(state, [first], 1))).toThrow("one element for each of 2 parameters");
});

it.each([0, -1, 1.5, Number.NaN])("refuses step %s and leaves the weights alone", (step) => {
  const state = initialState();
  const before = state.parameters[0]?.dataSync().slice();
  expect(() => adamwStep(options(state, adamw.initial.map(tensorOf), step))).toThrow(OptionError);
  expect(() => adamwStep(options(state, adamw.initial.map(tensorOf), step))).toThrow(
    `step must be a whole number, 1 for the first step, but is ${step}`,
  );
  expect(state.parameters[0]?.dataSync()).toEqual(before);
});
