import { memory, ones as onesTensor, type Tensor, tensor, tensor3d, tidy } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { createSelfAttention } from "./attention.ts";
import { createBlock } from "./block.ts";
import { createEmbedding } from "./embedding.ts";
import { createFeedForward, createGatedFeedForward } from "./feed-forward.ts";
import { type Initializer, normal, randomGenerator, zeros } from "./initialize.ts";
import { createLinear } from "./linear.ts";
import { createLayerNorm, createRmsNorm } from "./norm.ts";
import { dispose, parameters } from "./parameter.ts";

/** Weights far from zero, also where a layer starts with zeros and ones, so that no term hides. */
function scrambled<M extends object>(make: (initialize: Initializer) => M): M {
  const random = randomGenerator(11);
  const module = make((shape) => normal(shape, 0.5, random));
  for (const parameter of parameters(module).values()) tidy(() => parameter.assign(ramp(parameter.shape)));
  return module;
}

/** sin(1), sin(2), …: no two rows or columns alike. */
function ramp(shape: readonly number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i + 1)),
    [...shape],
  );
}

function values(make: () => Tensor): number[] {
  return Array.from(tidy(make).dataSync());
}

function expectClose(actual: readonly number[], expected: readonly number[], digits = 5): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], digits);
  });
}

test("Linear: x · weight + bias, over any leading axes", () => {
  const linear = scrambled((initialize) => createLinear({ inputs: 2, outputs: 3 }, initialize));
  const [w, b] = [linear.weight.arraySync(), linear.bias?.arraySync() ?? []];
  const x = [
    [0.5, -1],
    [2, 3],
  ];
  const expected = x.flatMap((row) => b.map((bias, o) => row[0] * w[0][o] + row[1] * w[1][o] + bias));
  expectClose(
    values(() => linear.forward(tensor3d([x]))),
    expected,
  );
  expect(
    createLinear({ inputs: 2, outputs: 3, bias: false }, (shape) => normal(shape, 1, randomGenerator(0))).bias,
  ).toBe(undefined);
});

test("Embedding: rows by id, and logits against every row", () => {
  const embedding = scrambled((initialize) => createEmbedding({ count: 5, width: 2 }, initialize));
  const rows = embedding.weight.arraySync();
  expectClose(
    values(() => embedding.forward(tensor([3, 0], [1, 2], "int32"))),
    [...rows[3], ...rows[0]],
  );
  expectClose(
    values(() => embedding.logits(tensor([2, -1], [1, 2]))),
    rows.map(([a, b]) => 2 * a - b),
  );
});

test("norms divide by the deviation, or by the root mean square", () => {
  const x = [1, 2, 6];
  const mean = 3;
  const deviation = Math.sqrt(14 / 3 + 0.01);
  const layerNorm = scrambled(() => createLayerNorm({ width: 3, epsilon: 0.01 }));
  const rmsNorm = scrambled(() => createRmsNorm({ width: 3, epsilon: 0.01 }));
  const scale = [1, 2, 3].map(Math.sin);
  const normed = x.map((value, i) => ((value - mean) / deviation) * scale[i] + scale[i]);
  expectClose(
    values(() => layerNorm.forward(tensor(x, [1, 3]))),
    normed,
  );
  const rms = Math.sqrt(41 / 3 + 0.01);
  expectClose(
    values(() => rmsNorm.forward(tensor(x, [1, 3]))),
    x.map((value, i) => (value / rms) * scale[i]),
  );
});

test("SelfAttention looks back, never ahead", () => {
  const attention = scrambled((initialize) => createSelfAttention({ width: 4, numHeads: 2 }, initialize));
  const [first, second] = [0, 5].map((last) => {
    const x = [...[1, 2, 3, 4, 5, 6, 7, 8].map(Math.cos), last, 1, -1, last];
    return values(() => attention.forward(tensor(x, [1, 3, 4])));
  });
  expectClose(first.slice(0, 8), second.slice(0, 8), 6);
  expect(first.slice(8)).not.toEqual(second.slice(8));
});

test("SelfAttention is softmax(q · kᵀ / √D) · v per head", () => {
  const attention = scrambled((initialize) => createSelfAttention({ width: 4, numHeads: 2 }, initialize));
  const x = [1, 2, 3, 4, 5, 6, 7, 8].map(Math.cos);
  const own = parameters(attention);
  const get = (name: string): number[] => Array.from(own.get(name)?.dataSync() ?? []);
  const project = (row: number[], weight: number[], bias: number[]): number[] =>
    bias.map((b, o) => row.reduce((sum, value, i) => sum + value * weight[i * bias.length + o], b));
  const qkv = [x.slice(0, 4), x.slice(4)].map((row) => project(row, get("qkv.weight"), get("qkv.bias")));
  const mixed = [0, 2].flatMap((head) => {
    const part = (t: number, offset: number): number[] => qkv[t].slice(offset + head, offset + head + 2);
    const score = (t: number): number => Math.exp(dot(part(1, 0), part(t, 4)) / Math.SQRT2);
    const [a, b] = [score(0), score(1)];
    return part(0, 8).map((value, i) => (a * value + b * part(1, 8)[i]) / (a + b));
  });
  const expected = project(mixed, get("output.weight"), get("output.bias"));
  expectClose(values(() => attention.forward(tensor(x, [1, 2, 4]))).slice(4), expected);
});

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

test("GatedFeedForward: down(silu(gate(x)) · up(x))", () => {
  const module = scrambled((initialize) => createGatedFeedForward({ width: 1, hiddenWidth: 2 }, initialize));
  const [s1, s2] = [Math.sin(1), Math.sin(2)];
  const silu = (x: number): number => x / (1 + Math.exp(-x));
  expectClose(
    values(() => module.forward(tensor([0.7], [1, 1]))),
    [silu(0.7 * s1) * 0.7 * s1 * s1 + silu(0.7 * s2) * 0.7 * s2 * s2],
  );
});

test("FeedForward tells the exact GELU from the approximation", () => {
  const [tanh, exact] = (["gelu-tanh", "gelu"] as const).map((activation) => {
    const module = scrambled((initialize) => createFeedForward({ width: 2, activation }, initialize));
    return values(() => module.forward(tensor([1.5, -0.5], [1, 2])));
  });
  expectClose(tanh, exact, 2);
  expect(tanh).not.toEqual(exact);
});

const block = scrambled((initialize) => createBlock({ width: 4, numHeads: 2, dropout: 0.3 }, initialize));
const input = [1, 2, 3, 4, 5, 6, 7, 8].map(Math.cos);
const run = (seed?: number): number[] => values(() => block.forward(tensor(input, [1, 2, 4]), { seed }));

test("dropout is active exactly when there is a seed, and the seed decides it", () => {
  expect(run()).toEqual(run());
  expect(run(1)).not.toEqual(run());
  expect(run(1)).toEqual(run(1));
  expect(run(1)).not.toEqual(run(2));
});

test("the sites of dropout drop different features", () => {
  const linear = { forward: (x: Tensor) => x.mul(0).add(1) };
  const feedForward = createFeedForward({ width: 64, dropout: 0.5 }, (shape) => normal(shape, 1, randomGenerator(0)));
  feedForward.down = linear;
  feedForward.up = linear;
  const attention = createSelfAttention({ width: 64, numHeads: 1, dropout: 0.5 }, (shape) =>
    normal(shape, 1, randomGenerator(0)),
  );
  attention.output = linear;
  const both = createBlock({ width: 64, numHeads: 1 }, (shape) => normal(shape, 1, randomGenerator(0)));
  both.attention = attention;
  both.feedForward = feedForward;
  both.attentionNorm = linear;
  both.feedForwardNorm = linear;
  const sums = values(() => both.forward(tensor(new Float32Array(64), [1, 1, 64]), { seed: 3 }));
  expect(new Set(sums)).toEqual(new Set([0, 2, 4])); // both dropped, one kept, both kept: each kept one counts 1 / 0.5
});

test("attention probabilities are dropped before they mix the values", () => {
  const attention = createSelfAttention({ width: 2, numHeads: 1, dropout: 0.5 }, (shape) => zeros(shape));
  attention.qkv = { forward: (x) => onesTensor([1, x.shape[1] as number, 6]) }; // each token attends to all alike
  attention.output = { forward: (x) => x.concat(x, 2) };
  const mixed = values(() => attention.forward(onesTensor([1, 50, 2]), { seed: 3 }));
  const kept = mixed.filter((value) => value !== 0);
  expect(kept.length).toBeLessThan(mixed.length);
  expect(new Set(kept).size).toBeGreaterThan(10); // sums of the kept probabilities; without dropout each were 1
});

test("a forward pass leaves only its result", () => {
  const x = tensor(input, [1, 2, 4]);
  const before = memory().numTensors;
  block.forward(x, { seed: 1 }).dispose();
  expect(memory().numTensors).toBe(before);
  dispose(block);
});
