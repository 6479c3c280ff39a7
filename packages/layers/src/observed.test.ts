import { ones, type Tensor } from "@tensorflow/tfjs";
import { expect, test } from "vitest";
import { createBlock } from "./block.ts";
import { normal, randomGenerator } from "./initialize.ts";
import { observed } from "./observed.ts";
import { parameters } from "./parameter.ts";

const random = randomGenerator(1);
const block = createBlock({ width: 4, numHeads: 2 }, (shape, std) => normal(shape, std, random));
const model = { block, again: block };

test("every module that runs is told of once, parts before the whole, with what goes in and comes out", () => {
  const x = ones([1, 3, 4]);
  const paths: string[] = [];
  const names = [...parameters(model).keys()];
  const plain = block.forward(x).dataSync();
  const y = observed(
    model,
    ({ path }, [input], output) => {
      paths.push(path);
      if (path === "block") expect(input).toBe(x);
      expect((output as Tensor).shape).toHaveLength(3);
      expect([...parameters(model).keys()]).toEqual(names);
    },
    () => block.forward(x),
  );
  expect(y.dataSync()).toEqual(plain);
  expect(paths).toEqual([
    "block.attentionNorm",
    "block.attention.qkv",
    "block.attention.output",
    "block.attention",
    "block.feedForwardNorm",
    "block.feedForward.up",
    "block.feedForward.down",
    "block.feedForward",
    "block",
  ]);
});

test("afterwards nobody listens, and modules are as they were, even where the run failed", () => {
  const own = Object.assign({ forward: (): string => "own" }, {});
  const root = { block, own };
  const { forward } = own;
  const fail = (): never => {
    throw new RangeError("stop");
  };
  expect(() => observed(root, fail, () => own.forward())).toThrow("stop");
  expect(own.forward).toBe(forward);
  expect(Object.hasOwn(block, "forward")).toBe(false);
});
