import { memory, type Tensor, tensor1d, tensor2d, tidy } from "@tensorflow/tfjs";
import type { StoredMatrix } from "@tessera-lm/ops";
import { expect, test } from "vitest";
import { Embedding } from "./embedding.ts";
import { Linear } from "./linear.ts";
import { modules, replaceModules } from "./modules.ts";
import { dispose, parameter, parameters } from "./parameter.ts";
import { StoredEmbedding, StoredLinear } from "./stored.ts";

/** 3 rows of 4 numbers, as float32. */
const numbers = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i + 1));
const stored = (): StoredMatrix => ({
  format: "F32",
  shape: [3, 4],
  words: tensor1d(new Int32Array(numbers.buffer), "int32"),
  unpack: () => numbers,
});
const values = (make: () => Tensor): number[] => Array.from(tidy(make).dataSync());

test("StoredLinear computes as a Linear with the transposed weight", () => {
  const x = tensor2d([1, -2, 0.5, 3, 0, 1, 1, -1], [2, 4]);
  const bias = parameter(tensor1d([0.5, -1, 2]));
  const linear = new Linear(parameter(tidy(() => tensor2d(numbers, [3, 4]).transpose())), bias);
  const layer = new StoredLinear(stored(), bias);
  const expected = values(() => linear.forward(x));
  values(() => layer.forward(x)).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  expect(values(() => new StoredLinear(layer.weight).forward(x))[0]).toBeCloseTo(expected[0] - 0.5, 5);
  dispose([linear, layer, x]);
});

test("StoredEmbedding gives the rows and the logits of an Embedding", () => {
  const table = new StoredEmbedding(stored());
  const embedding = new Embedding(parameter(tensor2d(numbers, [3, 4])));
  const ids = tensor2d([2, 0, 1, 1], [2, 2], "int32");
  expect(values(() => table.forward(ids))).toEqual(values(() => embedding.forward(ids)));
  const x = tensor2d([1, -2, 0.5, 3], [1, 4]);
  const expected = values(() => embedding.logits(x));
  values(() => table.logits(x)).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  dispose([table, embedding, ids, x]);
});

test("a stored matrix is no parameter and no module, and dispose frees it", () => {
  const before = memory().numTensors;
  const model: { layer: Linear | StoredLinear; table: StoredEmbedding } = {
    layer: new StoredLinear(stored(), parameter(tensor1d([1, 2, 3]))),
    table: new StoredEmbedding(stored()),
  };
  expect([...parameters(model).keys()]).toEqual(["layer.bias"]);
  expect([...modules(model)].map(({ path }) => path)).toEqual(["layer", "table"]);
  const { layer } = model;
  replaceModules(model, (_, module) => (module === layer ? new StoredLinear(layer.weight as StoredMatrix) : undefined));
  expect(parameters(model).size).toBe(0);
  dispose([model, layer]);
  expect(memory().numTensors).toBe(before);
});
