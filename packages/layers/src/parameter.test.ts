import { memory, ones as onesTensor } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { createBlock } from "./block.ts";
import { ParameterMemoryError } from "./errors.ts";
import { zeros } from "./initialize.ts";
import { allOrNothing, dispose, parameter, parameters } from "./parameter.ts";

test("a block's parameters are named by their paths, in the order of its properties", () => {
  const block = createBlock({ width: 8, numHeads: 2 }, zeros);
  const shapes = [...parameters(block)].map(([name, { shape }]) => `${name} ${shape.join("x")}`);
  expect(shapes).toEqual([
    "attentionNorm.scale 8",
    "attentionNorm.shift 8",
    "attention.qkv.weight 8x24",
    "attention.qkv.bias 24",
    "attention.output.weight 8x8",
    "attention.output.bias 8",
    "feedForwardNorm.scale 8",
    "feedForwardNorm.shift 8",
    "feedForward.up.weight 8x32",
    "feedForward.up.bias 32",
    "feedForward.down.weight 32x8",
    "feedForward.down.bias 8",
  ]);
  dispose(block);
});

test("a parameter that does not fit is named with its size, and what was made before it is freed", () => {
  const kept = zeros([2]);
  const { numTensors } = memory();
  const create = (): object => allOrNothing(() => [zeros([3]), zeros([2 ** 24, 2 ** 24])]);
  expect(create).toThrow(ParameterMemoryError);
  expect(create).toThrow("a parameter of shape (16777216, 16777216), which takes 1,048,576 GB");
  expect(memory().numTensors).toBe(numTensors);
  expect(kept.isDisposed).toBe(false);
  kept.dispose();
});

test("without biases there are only weights and scales", () => {
  const block = createBlock({ width: 8, numHeads: 2, bias: false }, zeros);
  expect([...parameters(block).keys()].filter((name) => /bias|shift/.test(name))).toEqual([]);
  expect(parameters(block).size).toBe(6);
  dispose(block);
});

test("a shared parameter appears once, under its first path", () => {
  const shared = zeros([2]);
  expect([...parameters({ first: { a: shared }, second: [shared] }).keys()]).toEqual(["first.a"]);
  shared.dispose();
});

test("a circle of objects ends", () => {
  const module: Record<string, unknown> = { a: zeros([2]) };
  module.self = { again: [module] };
  expect([...parameters(module).keys()]).toEqual(["a"]);
  dispose(module);
});

test("dispose frees every parameter, and parameter consumes its tensor", () => {
  const before = memory().numTensors;
  const module = { a: parameter(onesTensor([2])), b: [zeros([3])] };
  expect(memory().numTensors).toBe(before + 2);
  dispose(module);
  expect(memory().numTensors).toBe(before);
});
