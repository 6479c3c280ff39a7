import {
  addN,
  clone,
  concat,
  memory,
  mul,
  sigmoid,
  slice,
  softmax,
  sub,
  type Tensor,
  tensor2d,
  tidy,
} from "@tensorflow/tfjs";
import { foldIn, gelu, layerNorm, swiglu } from "@tessera-lm/ops";
import { describe, expect, it } from "vitest";
import { expectClose } from "../testing/close.ts";
import { engines } from "../testing/engines.ts";
import { type Numbers, ramp } from "../testing/on-backend.ts";
import { type BackendName, useBackend } from "../use-backend.ts";

const STEPS = 400;
const COLUMNS = 64;
/** From values that travel inside of the queue to those that do not. */
const ROWS = [1, 3, 150, 700];

// Memory is given out again while commands that read it are still queued, by kernels of the engine, by stock kernels
// that wait for it, and by uploads: whatever is out of order shows as wrong numbers.
describe.each(engines)("on %s", (name) => {
  it.each([1, 2, 3])("a random program reads what it reads on cpu, seed %d", async (seed) => {
    const [actual, expected] = [await run(name, seed), await run("cpu", seed)];
    expect(actual.length).toBeGreaterThan(STEPS / 10);
    expect(actual.length).toBe(expected.length);
    for (const [i, numbers] of actual.entries()) expectClose(numbers, expected[i] as Numbers, 1e-3);
  });
});

/** What a random program has read. It holds a few tensors of each size, makes new ones of them and lets others go. */
async function run(name: BackendName, seed: number): Promise<Numbers[]> {
  await useBackend(name);
  const before = memory().numTensors;
  const held = ROWS.map((rows) => [upload(rows, seed), upload(rows, seed + 1)]);
  const reads: Promise<Numbers>[] = [];
  for (let step = 0; step < STEPS; step++) {
    const draw = (choices: number, k: number): number => foldIn(foldIn(seed, step), k) % choices;
    const tensors = held[draw(held.length, 0)] as Tensor[];
    const pick = (k: number): Tensor => tensors[draw(tensors.length, k)] as Tensor;
    const make = makers[draw(makers.length, 1)] as (typeof makers)[number];
    tensors.push(tidy(() => make(pick(2), pick(3), step)));
    if (draw(4, 4) === 0) reads.push(read(pick(5)));
    if (draw(40, 6) === 0) await reads.at(-1);
    while (tensors.length > 2 + draw(4, 7)) tensors.splice(draw(tensors.length, 8), 1)[0]?.dispose();
  }
  for (const tensor of held.flat()) tensor.dispose();
  expect(memory().numTensors).toBe(before);
  return Promise.all(reads);
}

const upload = (rows: number, phase: number): Tensor => {
  const { values } = ramp([rows, COLUMNS], phase);
  return tensor2d([...values], [rows, COLUMNS]);
};

/** A new tensor of the same shape from two others; all keep their numbers small. */
const makers: readonly ((a: Tensor, b: Tensor, step: number) => Tensor)[] = [
  (a, _, step) => upload(a.shape[0] as number, step),
  (a) => gelu(a, "tanh"),
  (a, b) => mul(swiglu(a, b), 0.3),
  (a) => softmax(a),
  (a, b) => mul(addN([a, b, a]), 0.3),
  (a, b) => mul(sub(a, b), 0.3),
  (a) => sigmoid(a),
  (a) => clone(a),
  (a, b) => concat([slice(a, [0, 0], [-1, COLUMNS / 4]), slice(b, [0, COLUMNS / 4], [-1, -1])], 1),
  // ε is far from 0, so that rows of equal numbers do not make rounding errors large.
  (a, b) => layerNorm(a, slice(b, [0, 0], [1, COLUMNS]).as1D(), undefined, 1),
];

async function read(tensor: Tensor): Promise<Numbers> {
  const shape = tensor.shape;
  return { shape, values: [...(await tensor.data())] };
}
