import { matMul, ones, reshape, type Tensor, tensor, tensor2d, tidy, transpose } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { createSelfAttention } from "./attention.ts";
import { type Initializer, normal, randomGenerator } from "./initialize.ts";
import type { ForwardOptions } from "./language-model.ts";
import { createMultiHeadAttention, type MultiHeadAttention } from "./multi-head-attention.ts";
import { createRelativePosition } from "./relative-position.ts";
import { createRotary } from "./rotary.ts";

const random = randomGenerator(7);
const initialize: Initializer = (shape) => normal(shape, 0.6, random);
const [B, T, C, H] = [2, 6, 16, 4];
const D = C / H;
const x = normal([B, T, C], 1, random);

const relative = createRelativePosition({ numHeads: H, numBuckets: 8, bidirectional: true }, initialize);
const kinds: Record<string, Partial<Parameters<typeof createMultiHeadAttention>[0]>> = {
  causal: {},
  "grouped heads": { numKeyValueHeads: 2 },
  rotary: { numKeyValueHeads: 1, rotary: createRotary({ headWidth: D }) },
  alibi: { alibi: true },
  "sliding window": { slidingWindow: 3 },
  bidirectional: { causal: false },
  "relative positions, another scale": { causal: false, relativePosition: relative, scale: 1 },
};

/** What the module would give, from its weights: output(weights · value). */
function mixed(module: MultiHeadAttention, weights: Tensor, memory: Tensor): Tensor {
  const S = memory.shape[1] as number;
  const groups = module.numKeyValueHeads;
  const value = transpose(reshape(module.value.forward(memory), [B, S, groups, D]), [0, 2, 1, 3]); // (B, G, S, D)
  const shared = reshape(value, [B, groups, 1, S, D])
    .tile([1, 1, H / groups, 1, 1])
    .reshape([B, H, S, D]);
  return module.output.forward(transpose(matMul(weights, shared), [0, 2, 1, 3]).reshape([B, T, C]));
}

const check = (module: MultiHeadAttention, options?: ForwardOptions, memory: Tensor = x): void =>
  tidy(() => {
    const weights = module.attentionWeights(x, options, memory);
    expect(weights.shape).toEqual([B, H, T, memory.shape[1]]);
    const expected = module.forward(x, options, memory).dataSync();
    mixed(module, weights, memory)
      .dataSync()
      .forEach((value, i) => void expect(value).toBeCloseTo(expected[i] as number, 4));
  });

test.each(Object.entries(kinds))("the weights of %s attention are what it mixes values with", (_, kind) => {
  check(createMultiHeadAttention({ width: C, numHeads: H, ...kind }, initialize));
});

test("of another sequence, with padding, which gets none", () => {
  const module = createMultiHeadAttention({ width: C, numHeads: H, causal: false }, initialize);
  const mask = tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [B, 5], "int32");
  check(module, { mask }, normal([B, 5, C], 1, random));
  const shown = module.attentionWeights(x, { mask }, ones([B, 5, C])).arraySync();
  expect(shown[1]?.[0]?.[0]?.map((p) => Math.round(p * 4))).toEqual([1, 1, 1, 1, 0]);
});

test("GPT-2's fused attention, by hand", () => {
  const module = createSelfAttention({ width: 2, numHeads: 1, bias: false }, initialize);
  module.qkv = { forward: () => tensor([1, 0, 2, 0, 9, 9, 0, 3, 0, 1, 9, 9], [1, 2, 6]) };
  const [first, second] = module.attentionWeights(ones([1, 2, 2])).arraySync()[0]?.[0] ?? [];
  expect(first).toEqual([1, 0]);
  const [a, b] = [Math.exp(0), Math.exp(3 / Math.SQRT2)]; // q₂ · k₁ = 0, q₂ · k₂ = 3
  expect(second?.[0]).toBeCloseTo(a / (a + b), 5);
});
