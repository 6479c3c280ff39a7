import {
  add,
  erf,
  grads,
  mul,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerKernel,
  sigmoid,
  type Tensor,
  type Tensor1D,
  type TensorInfo,
  tensor1d,
  tensor2d,
  tidy,
  unregisterKernel,
  valueAndGrads,
  variable,
} from "@tensorflow/tfjs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { adamwStep, gelu, layerNorm, linear, linearCrossEntropy, silu } from "./index.ts";
import { expectClose, expectNoLeak, use } from "./test-support.ts";

beforeAll(() => use("cpu"));

/** What a fake kernel of the cpu backend can do: make tensors. */
interface Maker {
  makeTensorInfo(shape: number[], dtype: "float32", values: Float32Array): TensorInfo;
}

interface CallRecord {
  inputs: NamedTensorInfoMap;
  attributes: NamedAttrMap;
}

const fakes: string[] = [];
afterEach(() => {
  for (const kernelName of new Set(fakes.splice(0))) unregisterKernel(kernelName, "cpu");
});

/** Registers a kernel that fills its outputs with constants, and returns the list of its calls. */
function fakeKernel(
  kernelName: string,
  outputs: readonly (readonly [shape: number[], value: number])[],
  onCall: () => void = () => {},
): CallRecord[] {
  if (fakes.includes(kernelName)) unregisterKernel(kernelName, "cpu");
  const calls: CallRecord[] = [];
  const kernelFunc = (call: { inputs: NamedTensorInfoMap; backend: object; attrs?: NamedAttrMap }) => {
    onCall();
    calls.push({ inputs: call.inputs, attributes: call.attrs ?? {} });
    const fill = (shape: number[], value: number) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value);
    const made = outputs.map(([shape, value]) =>
      (call.backend as Maker).makeTensorInfo(shape, "float32", fill(shape, value)),
    );
    return made.length === 1 ? (made[0] as TensorInfo) : made;
  };
  registerKernel({ kernelName, backendName: "cpu", kernelFunc });
  fakes.push(kernelName);
  return calls;
}

const x = () => tensor2d([1, 2, 3, 4, 5, 7], [2, 3]);
const scale = () => tensor1d([1, -1, 2]);

function gradientsOfNorm(): number[][] {
  return tidy(() => {
    const found = grads((a, b) => layerNorm(a, b as Tensor1D))([x(), scale()]);
    return found.map((gradient) => Array.from(gradient.dataSync()));
  });
}

describe("a backend with its own kernels", () => {
  it("computes the value with the forward kernel", () => {
    const calls = fakeKernel("TesseraLayerNorm", [
      [[2, 3], 42],
      [[2, 1], 7],
      [[2, 1], 9],
    ]);
    const y = tidy(() => layerNorm(x(), scale(), undefined, 0.25).dataSync());
    expect(Array.from(y)).toEqual([42, 42, 42, 42, 42, 42]);
    expect(Object.keys(calls[0]?.inputs ?? {})).toEqual(["x", "scale"]);
    expect(calls[0]?.attributes).toEqual({ epsilon: 0.25, wanted: [] });
  });

  it("hands the side outputs of the forward kernel to the gradient kernel", () => {
    const forwards = fakeKernel("TesseraLayerNorm", [
      [[2, 3], 42],
      [[2, 1], 7],
      [[2, 1], 9],
    ]);
    const backwards = fakeKernel("TesseraLayerNormGradient", [
      [[2, 3], 5],
      [[3], 6],
    ]);
    expect(gradientsOfNorm()).toEqual([Array(6).fill(5), Array(3).fill(6)]);
    expect(forwards[0]?.attributes).toEqual({ epsilon: 1e-5, wanted: ["x", "scale"] });
    expect(backwards[0]?.attributes).toEqual({ epsilon: 1e-5, wanted: ["x", "scale"] });
    const shapes = Object.entries(backwards[0]?.inputs ?? {}).map(([name, info]) => [name, info?.shape]);
    expect(shapes).toEqual([
      ["dy", [2, 3]],
      ["x", [2, 3]],
      ["scale", [3]],
      ["mean", [2, 1]],
      ["rstd", [2, 1]],
    ]);
  });

  it("may have only the gradient kernel", () => {
    const calls = fakeKernel("TesseraLayerNormGradient", [
      [[2, 3], 5],
      [[3], 6],
    ]);
    expect(gradientsOfNorm()).toEqual([Array(6).fill(5), Array(3).fill(6)]);
    expect(calls).toHaveLength(1);
  });

  it("may have only the forward kernel", () => {
    fakeKernel("TesseraLayerNorm", [
      [[2, 3], 42],
      [[2, 1], 3],
      [[2, 1], 2],
    ]);
    // With mean 3 and rstd 2 taken from the kernel, d scale = Σ rows (x − 3) · 2.
    expect(gradientsOfNorm()[1]).toEqual([-2, 2, 8]);
  });

  it("leaves no tensor behind", () => {
    fakeKernel("TesseraLayerNorm", [
      [[2, 3], 42],
      [[2, 1], 7],
      [[2, 1], 9],
    ]);
    fakeKernel("TesseraLayerNormGradient", [
      [[2, 3], 5],
      [[3], 6],
    ]);
    expectNoLeak(() => gradientsOfNorm());
  });
});

it("runs one kernel for the step of all parameters", () => {
  const calls = fakeKernel(
    "TesseraAdamwStep",
    [1, 2, 3, 4, 5, 6].map((value) => [[2], value]),
  );
  const make = () => [0, 0].map((zero) => tidy(() => variable(tensor1d([zero, zero]))));
  const [parameters, firstMoments, secondMoments, gradients] = [make(), make(), make(), make()];
  const rates = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, step: 3 };
  const run = () => adamwStep({ parameters, firstMoments, secondMoments, gradients, weightDecays: [0.1, 0], ...rates });
  run();
  expect(calls).toHaveLength(1);
  const names = [0, 1].flatMap((i) => [`parameter${i}`, `gradient${i}`, `firstMoment${i}`, `secondMoment${i}`]);
  expect(Object.keys(calls[0]?.inputs ?? {})).toEqual(names);
  expect(calls[0]?.attributes).toEqual({ ...rates, weightDecays: [0.1, 0] });
  const values = [0, 1].flatMap((i) => [parameters[i], firstMoments[i], secondMoments[i]].map((t) => t?.dataSync()[1]));
  expect(values).toEqual([1, 2, 3, 4, 5, 6]);
  expectNoLeak(run);
});

describe("only gradients that can be wanted are computed", () => {
  let calls: CallRecord[];
  beforeEach(() => {
    calls = fakeKernel("TesseraLinearGradient", [[[2, 3], 1]]);
  });

  it("skips a frozen variable and an absent input", () => {
    const weight = variable(tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), false);
    tidy(() => grads((a) => linear(a as Tensor, weight))([x()]));
    expect(calls[0]?.attributes.wanted).toEqual(["x"]);
    weight.dispose();
  });

  it("gives the head's hidden gradient without the frozen head's own", () => {
    const table = tensor2d([0.1, 0.2, -0.3, 0.4, 0.5, 0.6], [2, 3]);
    const [frozen, free] = [variable(table, false), variable(table)];
    const targets = tensor1d([1, 0], "int32");
    const gradient = (weight: typeof free) =>
      tidy(() => grads((h) => linearCrossEntropy(h as typeof table, weight, targets))([x()])[0]?.dataSync() ?? []);
    expectClose(gradient(frozen), gradient(free), 1e-7);
    for (const tensor of [frozen, free, table, targets]) tensor.dispose();
  });
});

describe("what the tape owns and what the caller owns", () => {
  const gradient = (f: (x: Tensor) => Tensor, dy?: Tensor) => {
    const found = grads((a) => f(a as Tensor))([input], dy);
    const values = Array.from((found[0] as Tensor).dataSync());
    for (const tensor of found) tensor.dispose();
    return values;
  };
  let input: Tensor;
  beforeEach(() => {
    input = tensor1d([-1, 0.5, 2]);
  });
  afterEach(() => input.dispose());

  it("keeps a dy that the caller gave, inside a tidy and outside", () => {
    const dy = tensor1d([1, 2, 3]);
    const first = gradient((x) => silu(x), dy);
    expect(tidy(() => gradient((x) => silu(x), dy))).toEqual(first);
    expect(tidy(() => gradient((x) => silu(x), dy.clone()))).toEqual(first);
    expect(Array.from(dy.dataSync())).toEqual([1, 2, 3]);
    dy.dispose();
  });

  it("adds up the gradients of a value that is used more than once", () => {
    const twice = (x: Tensor) => {
      const h = silu(x);
      return add(add(h, gelu(h)), mul(h, h));
    };
    const plain = (x: Tensor) => {
      const h = mul(x, sigmoid(x));
      return add(add(h, mul(h, mul(0.5, add(1, erf(mul(h, Math.SQRT1_2)))))), mul(h, h));
    };
    expectClose(gradient(twice), gradient(plain));
    expectNoLeak(() => gradient(twice));
  });

  it("does not change a value that is both the result and an input", () => {
    const both = tidy(() => {
      const { value, grads: found } = valueAndGrads((a) => silu(a as Tensor))([input]);
      return [value, found[0] as Tensor].map((tensor) => Array.from(tensor.dataSync()));
    });
    expectClose(
      both[0] ?? [],
      [-1, 0.5, 2].map((x) => x / (1 + Math.exp(-x))),
    );
    expect(Array.from(input.dataSync())).toEqual([-1, 0.5, 2]);
  });
});
