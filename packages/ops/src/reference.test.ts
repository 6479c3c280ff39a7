import { tidy } from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import {
  backends,
  type Case,
  expectClose,
  expectNoLeak,
  fixture,
  type Numbers,
  operationOf,
  tensorOf,
  use,
  valueAndGradients,
} from "./test-support.ts";

const cases = fixture.cases.map((test) => [`${test.operation}, ${test.name}`, test] as const);

describe.each(backends)("on %s", (backend) => {
  beforeAll(() => use(backend));

  it.each(cases)("%s: value and gradients equal PyTorch's", (_, test) => {
    const { value, gradients } = valueAndGradients(test);
    expectClose(value, test.value.values);
    expect(Object.keys(gradients)).toEqual(Object.keys(test.gradients));
    for (const [name, gradient] of Object.entries(test.gradients)) expectClose(gradients[name] ?? [], gradient.values);
  });

  it.each(cases)("%s: the value has PyTorch's shape", (_, test) => {
    const shape = tidy(() => operationOf(test)(...Object.values(test.inputs).map(tensorOf)).shape);
    expect(shape).toEqual(test.value.shape);
  });

  it.each(cases)("%s: leaves no tensor behind", (_, test) => {
    expectNoLeak(() => valueAndGradients(test));
    const inputs = Object.values(test.inputs).map(tensorOf);
    expectNoLeak(() => {
      const y = operationOf(test)(...inputs);
      if (!inputs.includes(y)) y.dispose();
    });
    for (const input of inputs) input.dispose();
  });
});

describe("against finite differences", () => {
  beforeAll(() => use("cpu"));

  it.each(cases)("%s: the gradient is the slope in any direction", (_, test) => {
    const wave = fc.record({
      step: fc.double({ min: 0.5, max: 2, noNaN: true }),
      phase: fc.double({ min: 0, max: 6, noNaN: true }),
    });
    fc.assert(
      fc.property(wave, wave, (point, direction) => {
        const at = (h: number) => moved(test.inputs, point, direction, h);
        const slope = (weighted(test, at(STEP)) - weighted(test, at(-STEP))) / (2 * STEP);
        const { gradients } = valueAndGradients(test, at(0));
        const along = Object.entries(gradients).map(([name, g]) => dot(g, sine(g.length, direction, name)));
        const expected = along.reduce((sum, part) => sum + part, 0);
        const scale = Object.values(gradients).reduce((most, g) => Math.max(most, Math.sqrt(dot(g, g))), 1);
        expect(Math.abs(slope - expected)).toBeLessThan(5e-3 * scale);
      }),
      { numRuns: 10, seed: 1 },
    );
  });
});

/** Small enough for the curvature, large enough for the rounding of float32. */
const STEP = 5e-3;

interface Wave {
  step: number;
  phase: number;
}

function sine(length: number, { step, phase }: Wave, name: string): number[] {
  return Array.from({ length }, (_, i) => Math.sin(i * step + phase + name.length));
}

/** Inputs on a wave, moved by h in the direction of another; integers stay. */
function moved(inputs: Case["inputs"], point: Wave, direction: Wave, h: number): Case["inputs"] {
  const move = ([name, input]: [string, Numbers]): [string, Numbers] => {
    if (input.dtype === "int32") return [name, input];
    const [x, u] = [sine(input.values.length, point, name), sine(input.values.length, direction, name)];
    return [name, { ...input, values: x.map((value, i) => value + h * (u[i] as number)) }];
  };
  return Object.fromEntries(Object.entries(inputs).map(move));
}

/** Σ y · dy, summed in float64. */
function weighted(test: Case, inputs: Case["inputs"]): number {
  const y = tidy(() => operationOf(test)(...Object.values(inputs).map(tensorOf)).dataSync());
  return dot(y, test.dy.values);
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
