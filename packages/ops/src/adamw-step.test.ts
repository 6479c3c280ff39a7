import { type Scalar, scalar, type Tensor, type Variable, variable, zerosLike } from "@tensorflow/tfjs";
import { beforeAll, describe, expect, it } from "vitest";
import { type AdamwStepOptions, adamwStep, globalNorm, ShapeError } from "./index.ts";
import { backends, expectClose, expectNoLeak, fixture, tensorOf, use } from "./test-support.ts";

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
