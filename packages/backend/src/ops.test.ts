import {
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  variable,
} from "@tensorflow/tfjs";
import * as ops from "@tessera-lm/ops";
import { describe, expect, it } from "vitest";
import { expectClose } from "./testing/close.ts";
import { gradientsOnBoth, type Numbers, onBoth, ramp, tensorOf } from "./testing/on-backend.ts";

/** An operation on inputs that it can be differentiated by. */
interface Case {
  readonly inputs: readonly Numbers[];
  readonly run: (...inputs: Tensor[]) => Tensor;
}

const ids = () => tensor2d([0, 3, 3, 1, 6, 0], [2, 3], "int32");
const targets = () => tensor1d([0, 3, -1, 1, 6, 0], "int32");
const drop = { rate: 0.3, seed: 5 };

const cases: Record<string, Case> = {
  linear: {
    inputs: [ramp([2, 3, 5]), ramp([5, 7], 1), ramp([7], 2)],
    run: (x, weight, bias) => ops.linear(x as Tensor, weight as Tensor2D, bias as Tensor1D),
  },
  embedding: { inputs: [ramp([7, 4])], run: (table) => ops.embedding(ids(), table as Tensor2D) },
  layerNorm: {
    inputs: [ramp([2, 3, 5]), ramp([5], 1), ramp([5], 2)],
    run: (x, scale, shift) => ops.layerNorm(x as Tensor, scale as Tensor1D, shift as Tensor1D),
  },
  rmsNorm: {
    inputs: [ramp([2, 3, 5]), ramp([5], 1)],
    run: (x, scale) => ops.rmsNorm(x as Tensor, scale as Tensor1D),
  },
  gelu: { inputs: [ramp([2, 9])], run: (x) => ops.gelu(x as Tensor) },
  "gelu, tanh": { inputs: [ramp([2, 9])], run: (x) => ops.gelu(x as Tensor, "tanh") },
  silu: { inputs: [ramp([2, 9])], run: (x) => ops.silu(x as Tensor) },
  swiglu: {
    inputs: [ramp([2, 9]), ramp([2, 9], 1)],
    run: (gate, up) => ops.swiglu(gate as Tensor, up as Tensor),
  },
  attention: {
    inputs: [ramp([2, 3, 8]), ramp([2, 5, 4], 1), ramp([2, 5, 4], 2)],
    run: (q, k, v) =>
      ops.attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, {
        numHeads: 4,
        numGroups: 2,
        causal: true,
        dropout: drop,
      }),
  },
  selfAttention: {
    inputs: [ramp([2, 5, 24])],
    run: (qkv) => ops.selfAttention(qkv as Tensor3D, { numHeads: 2, causal: true }),
  },
  dropout: { inputs: [ramp([4, 9])], run: (x) => ops.dropout(x as Tensor, drop) },
  crossEntropy: { inputs: [ramp([6, 7])], run: (logits) => ops.crossEntropy(logits as Tensor2D, targets()) },
  linearCrossEntropy: {
    inputs: [ramp([6, 4]), ramp([7, 4], 1)],
    run: (hidden, weight) => ops.linearCrossEntropy(hidden as Tensor2D, weight as Tensor2D, targets()),
  },
};

describe("ops on wasm", () => {
  it("are all compared here", () => {
    const compared = [...Object.keys(cases), "globalNorm", "adamwStep"];
    const withoutTensors = ["foldIn", "OptionError", "ShapeError", "TokenIdError"];
    expect(Object.keys(ops).filter((name) => !compared.includes(name) && !withoutTensors.includes(name))).toEqual([]);
  });

  it.each(Object.entries(cases))("%s has cpu's value and gradient", async (_, { inputs, run }) => {
    expectClose(await onBoth(() => run(...inputs.map(tensorOf))));
    expectClose(await gradientsOnBoth(run, inputs));
  });

  it("globalNorm has cpu's value", async () => {
    expectClose(await onBoth(() => ops.globalNorm([tensorOf(ramp([3, 4])), tensorOf(ramp([5], 1))])));
  });

  it("adamwStep has cpu's value", async () => {
    const step = (): Tensor => {
      const [p, m] = [variable(tensorOf(ramp([3, 4]))), variable(tensorOf(ramp([3, 4], 1)))];
      const v = variable(tensorOf(ramp([3, 4], 2)).square());
      const gradients = [tensorOf(ramp([3, 4], 3))];
      const rates = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecays: [0.1], step: 3 };
      const state = { parameters: [p], firstMoments: [m], secondMoments: [v] };
      const gradientScale = tensorOf({ shape: [], values: [0.5] }) as Scalar;
      ops.adamwStep({ ...state, gradients, gradientScale, ...rates });
      const result = p.concat([m, v]);
      for (const variable of [p, m, v]) variable.dispose();
      return result;
    };
    expectClose(await onBoth(step));
  });
});
