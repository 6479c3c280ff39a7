import { mul, type Rank, sigmoid, type Tensor } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { siluSlope } from "./silu.ts";
import { requireFloat, requireType } from "./validate.ts";

/**
 * swiglu(gate, up) = silu(gate) · up, the gated activation of Llama's feed-forward layer.
 *
 * Shazeer 2020, https://arxiv.org/abs/2002.05202.
 *
 * @param gate any shape
 * @param up the shape of gate
 * @returns the same shape
 * @throws ShapeError if the shapes differ
 */
export function swiglu<R extends Rank>(gate: Tensor<R>, up: Tensor<R>): Tensor<R> {
  requireType("swiglu", "gate", gate, "float32");
  requireFloat("swiglu", "up", up, ...gate.shape);
  return differentiable(SWIGLU, { gate, up }, {}) as Tensor<R>;
}

type Inputs = { gate: Tensor; up: Tensor };

const SWIGLU: Operation<Inputs, Inputs, Record<string, never>> = {
  kernel: "TesseraSwiglu",
  differentiable: ["gate", "up"],
  outputs: ["y"],
  saved: ["gate", "up"],

  forward({ gate, up }) {
    return [mul(mul(gate, sigmoid(gate)), up)];
  },

  backward(dy, { gate, up }) {
    return {
      gate: () => mul(mul(dy, up), siluSlope(gate)),
      up: () => mul(dy, mul(gate, sigmoid(gate))),
    };
  },
};
