import { reshape, add as sum, type Tensor } from "@tensorflow/tfjs";
import { differentiable, type Operation } from "./differentiable.ts";
import { ShapeError } from "./errors.ts";
import { columnSums } from "./rows.ts";
import { requireType } from "./validate.ts";

/**
 * add(a, b) = a + b, such as a residual stream and what a layer adds to it, or tokens and positions. It saves nothing,
 * where the `add` of TensorFlow.js keeps both terms until the backward pass, only for their shapes.
 *
 * @param a any shape
 * @param b the shape of a, or only its last axes: then it is added to each part of this shape
 * @returns the shape of a
 * @throws ShapeError if b has another shape
 */
export function add<T extends Tensor>(a: T, b: Tensor): T {
  requireType("add", "a", a, "float32");
  requireType("add", "b", b, "float32");
  requireLastAxes(a, b);
  return differentiable(ADD, { a, b }, { shape: b.shape }) as T;
}

const ADD: Operation<{ a: Tensor; b: Tensor }, Record<string, never>, { shape: number[] }> = {
  kernel: "TesseraAdd",
  differentiable: ["a", "b"],
  outputs: ["y"],
  saved: [],

  forward({ a, b }) {
    return [sum(a, b)];
  },

  backward(dy, _saved, { shape }) {
    return { a: () => dy.clone(), b: () => (dy.rank === shape.length ? dy.clone() : sumOfParts(dy, shape)) };
  },
};

function sumOfParts(dy: Tensor, shape: number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return reshape(columnSums(reshape(dy, [dy.size / size, size])), shape);
}

function requireLastAxes(a: Tensor, b: Tensor): void {
  const last = a.shape.slice(a.rank - b.rank);
  if (b.rank <= a.rank && String(last) === String(b.shape)) return;
  throw new ShapeError(
    "add",
    `b must have the shape of a, (${a.shape.join(", ")}), or of its last axes, but has shape (${b.shape.join(", ")})`,
  );
}
