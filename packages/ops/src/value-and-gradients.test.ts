import {
  add,
  concat,
  customGrad,
  gather,
  grads,
  matMul,
  mul,
  type Rank,
  relu,
  reshape,
  scalar,
  softmax,
  split,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
  topk,
  transpose,
  type Variable,
  variable,
  variableGrads,
} from "@tensorflow/tfjs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GradientError } from "./errors.ts";
import { gelu, layerNorm, linear, add as residual, silu, valueAndGradients } from "./index.ts";
import { expectNoLeak, usageOf, use } from "./test-support.ts";

await use("cpu");

type Graph = (...xs: Tensor[]) => Tensor;

const ramp = (size: number, phase = 0): Tensor =>
  tensor2d(
    Float32Array.from({ length: size * size }, (_, i) => Math.sin(i + 1 + phase)),
    [size, size],
  );

const numbers = (tensor: Tensor | undefined | null): number[] | undefined =>
  tensor ? Array.from(tensor.dataSync()) : undefined;

/** What TensorFlow.js makes of a graph; undefined for a variable that it does not reach. */
function expected(graph: Graph, xs: Variable[], dy?: Tensor): (number[] | undefined)[] {
  return tidy(() => {
    if (dy !== undefined) return grads(graph)(xs, dy).map(numbers);
    const { value, grads: found } = variableGrads(() => sum(graph(...xs)), xs);
    return [value, ...xs.map(({ name }) => found[name])].map(numbers);
  });
}

function actual(graph: Graph, xs: Variable[], dy?: Tensor): (number[] | undefined)[] {
  return tidy(() => {
    if (dy !== undefined) return valueAndGradients(() => graph(...xs), xs, dy).gradients.map(numbers);
    const { value, gradients } = valueAndGradients(() => sum(graph(...xs)), xs);
    return [value, ...gradients].map(numbers);
  });
}

const cube = customGrad((x) => {
  const save = undefined;
  return { value: mul(x as Tensor, mul(x as Tensor, x as Tensor)), gradFunc: (dy) => [dy], save };
});

const graphs: Record<string, Graph> = {
  "a chain": (a) => square(relu(mul(a, 2))),
  "a diamond": (a) => {
    const h = square(a);
    return mul(add(h, relu(h)), sub(h, 1));
  },
  "an input used as both operands": (a) => mul(a, a),
  "parameters shared by two products": (a, b) => matMul(relu(matMul(a, b)), b),
  "views of one tensor": (a) => add(reshape(transpose(a), [3, 3]), reshape(reshape(a, [9]), [3, 3])),
  "parts, some of them unused": (a) => {
    const [first, , last] = split(a, 3);
    return mul(first as Tensor, square(last as Tensor));
  },
  "a list of inputs": (a, b) => square(concat([a, b, a])),
  broadcasting: (a, b) => mul(add(a, sum(b, 0)), scalar(3)),
  "integers on the way": (a, b) => mul(gather(a, tensor1d([2, 0, 2], "int32")), softmax(b)),
  "a part that leads nowhere": (a, b) => {
    topk(b); // has no gradient, and needs none
    square(relu(b));
    return square(a);
  },
  "a custom gradient that hands on dy itself": (a, b) => add(cube(a), mul(cube(a), b)),
  "our own operations": (a, b) => {
    const h = linear(a, b as Tensor<Rank.R2>);
    return residual(h, gelu(layerNorm(h, sum(b, 0)), "tanh"));
  },
};

describe("valueAndGradients", () => {
  const xs = [ramp(3), ramp(3, 1)].map((x) => variable(x));

  describe.each(Object.entries(graphs))("equals TensorFlow.js to the bit: %s", (_, graph) => {
    // A gradient that was asked for and not reached is an error there.
    const reached = xs.filter((_, i) => valueAndGradients(() => graph(...xs), xs).gradients[i] !== undefined);
    const used = (...some: Tensor[]): Tensor => graph(...xs.map((x, i) => some[reached.indexOf(x)] ?? xs[i]));

    it("from ones", () => expect(actual(used, reached)).toEqual(expected(used, reached)));

    it("from a given dy, which stays", () => {
      const dy = tidy(() => add(square(used(...reached)), 0.5)) as Tensor;
      const before = numbers(dy);
      expect(actual(used, reached, dy)).toEqual(expected(used, reached, dy));
      expect(numbers(dy)).toEqual(before);
      dy.dispose();
    });

    it("and leaves nothing behind", () => expectNoLeak(() => actual(used, reached)));
  });

  it("equals TensorFlow.js to the bit on any graph", () => {
    const unary = [relu, square, transpose, softmax, silu, (x: Tensor) => reshape(reshape(x, [9]), [3, 3])];
    const binary = [add, sub, mul, residual, matMul, (a: Tensor, b: Tensor) => sum(stack([a, b, a]), 0)];
    const place = fc.nat(20);
    const step = fc.tuple(fc.nat(unary.length + binary.length - 1), place, place);
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const graph: Graph = (...inputs) => {
          const made = [...inputs];
          for (const [kind, i, j] of steps) {
            const [a, b] = [made[i % made.length], made[j % made.length]] as [Tensor, Tensor];
            const operation = binary[kind - unary.length];
            const h = operation?.(a, b) ?? (unary[kind] as (x: Tensor) => Tensor)(a);
            made.push(tidy(() => mul(h, 0.1)));
          }
          return sum(add(made.at(-1) as Tensor, mul(made[0] as Tensor, made[1] as Tensor)));
        };
        expect(actual(graph, xs)).toEqual(expected(graph, xs));
      }),
      { numRuns: 60 },
    );
  });

  it("says undefined for what the value does not depend on", () => {
    const { value, gradients } = valueAndGradients(() => sum(xs[0] as Tensor), xs);
    expect(gradients.map((gradient) => gradient?.shape)).toEqual([[3, 3], undefined]);
    for (const tensor of [value, ...gradients]) tensor?.dispose();
  });

  it("hands over tensors of its own, whatever the function returns and however often a tensor is asked for", () => {
    const x = tensor1d([1, 2]);
    const outside = tensor1d([3, 4]);
    const run = (f: () => Tensor): (number[] | undefined)[] => {
      const { value, gradients } = valueAndGradients(f, [x, x]);
      const found = [value, ...gradients].map(numbers);
      for (const tensor of [value, gradients[0]]) tensor?.dispose();
      expect(numbers(gradients[1])).toEqual(found[2]); // still there
      gradients[1]?.dispose();
      return found;
    };
    expectNoLeak(() =>
      expect(run(() => x)).toEqual([
        [1, 2],
        [1, 1],
        [1, 1],
      ]),
    );
    expectNoLeak(() => expect(run(() => outside)).toEqual([[3, 4], undefined, undefined]));
    expectNoLeak(() =>
      expect(run(() => square(x))).toEqual([
        [1, 4],
        [2, 4],
        [2, 4],
      ]),
    );
    expect([x, outside].map(numbers)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    for (const tensor of [x, outside]) tensor.dispose();
  });

  it("differentiates one thing within the backward pass of another", () => {
    const [a, b] = xs as [Variable, Variable];
    const inner = (x: Tensor) =>
      customGrad((...inputs) => {
        (inputs[1] as unknown as (tensors: Tensor[]) => void)([x]);
        return {
          value: square(x),
          gradFunc: (dy: Tensor, [saved]: Tensor[]) => {
            const { value, gradients } = valueAndGradients(() => square(saved as Tensor), [saved as Tensor], dy);
            value.dispose();
            return gradients as Tensor[];
          },
        };
      })(x);
    expect(actual(() => mul(inner(mul(a, b)), a), xs)).toEqual(expected(() => mul(square(mul(a, b)), a), xs));
  });

  it("refuses a gradient of a gradient, and what has none, and leaves nothing behind", () => {
    const [a] = xs as [Variable];
    const refused: [RegExp, () => Tensor][] = [
      [/gradient of a gradient/, () => valueAndGradients(() => square(a), [a]).value],
      [/TopK has no gradient/, () => sum(topk(square(a)).values)],
      [
        /input 0 has shape \(3, 3\)/,
        () => customGrad((x) => ({ value: square(x as Tensor), gradFunc: () => [sum(a)] }))(square(a)),
      ],
    ];
    for (const [message, graph] of refused) {
      const run = (): void => {
        expect(() => valueAndGradients(graph, [a])).toThrow(GradientError);
        expect(() => valueAndGradients(graph, [a])).toThrow(message);
      };
      tidy(() => expectNoLeak(() => tidy(run)));
    }
  });

  it("leaves nothing behind when the function throws", () => {
    const [a] = xs as [Variable];
    const run = (): void => {
      const failing = () => valueAndGradients(() => square(square(a)).reshape([2]), [a]);
      expect(failing).toThrow();
    };
    expectNoLeak(run);
  });

  it("frees what each operation has used: the backward pass needs hardly more than the forward pass", () => {
    const depth = 16;
    const x = variable(ramp(64));
    const stream = (): Tensor => {
      let h: Tensor = x;
      for (let layer = 0; layer < depth; layer++) h = residual(h, silu(square(mul(h, 0.5))));
      return sum(h);
    };
    const peak = (run: () => void): number => usageOf(() => tidy(run)).bytes / (64 * 64 * 4);
    expect(peak(stream)).toBeCloseTo(4 * depth, 1);
    expect(peak(() => void valueAndGradients(stream, [x]))).toBeLessThan(4 * depth + 4);
    expect(peak(() => void grads(stream)([x]))).toBeGreaterThan(7 * depth); // TensorFlow.js's own
    x.dispose();
  });
});
