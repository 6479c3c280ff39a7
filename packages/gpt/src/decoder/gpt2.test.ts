import {
  dispose as disposeTensors,
  engine,
  memory,
  profile,
  type Tensor2D,
  tensor2d,
  tidy,
  variableGrads,
} from "@tensorflow/tfjs";
import {
  dispose,
  normal,
  type Parameter,
  ParameterMemoryError,
  parameters,
  randomGenerator,
  VocabularyError,
} from "@tessera-lm/layers";
import { crossEntropy, valueAndGradients } from "@tessera-lm/ops";
import { afterAll, describe, expect, test, vi } from "vitest";
import { SequenceTooLongError } from "../errors.ts";
import { createGpt2, type Gpt2 } from "./gpt2.ts";

const config = { vocabSize: 13, contextLength: 6, numLayers: 2, numHeads: 2, width: 8 };
const model = createGpt2({ ...config, dropout: 0.2 }, 5);
scramble(model);
const tokens = tensor2d([1, 2, 3, 4, 12, 11, 0, 7], [2, 4], "int32");
const targets = tensor2d([2, 3, -1, 5, 11, 0, 7, -1], [2, 4], "int32");
afterAll(() => {
  dispose(model);
  tokens.dispose();
  targets.dispose();
});

/** Values far from the initial ones, whose zeros and small numbers would hide a mistake. */
function scramble(module: object): void {
  const random = randomGenerator(6);
  for (const parameter of parameters(module).values()) {
    const noise = normal(parameter.shape, 0.4, random);
    tidy(() => parameter.assign(parameter.add(noise)));
    noise.dispose();
  }
}

function parameterNamed(name: string, of: Gpt2 = model): Parameter {
  const found = parameters(of).get(name);
  if (found === undefined) throw new RangeError(name);
  return found;
}

test("a model that does not fit into memory says what is too large, and leaves nothing behind", () => {
  const { numTensors } = memory();
  const create = (): Gpt2 => createGpt2({ ...config, width: 2 ** 20, numHeads: 1 }, 1);
  expect(create).toThrow(ParameterMemoryError);
  expect(create).toThrow("a parameter of shape (1048576, 3145728), which takes 12,288 GB");
  expect(memory().numTensors).toBe(numTensors);
});

test("weights start as GPT-2's: deviation, residual projections, norms and biases", () => {
  const fresh = createGpt2({ ...config, width: 64, vocabSize: 500, contextLength: 64 }, 1);
  const deviation = (name: string): number => {
    const values = Array.from(parameterNamed(name, fresh).dataSync());
    return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  };
  expect(deviation("tokenEmbedding.weight")).toBeCloseTo(0.02, 3);
  expect(deviation("positionEmbedding.weight")).toBeCloseTo(0.02, 3);
  expect(deviation("blocks.1.attention.qkv.weight")).toBeCloseTo(0.02, 3);
  expect(deviation("blocks.1.feedForward.up.weight")).toBeCloseTo(0.02, 3);
  expect(deviation("blocks.0.attention.output.weight")).toBeCloseTo(0.01, 3); // 0.02 / √(2 · 2)
  expect(deviation("blocks.1.feedForward.down.weight")).toBeCloseTo(0.01, 3);
  for (const [name, parameter] of parameters(fresh)) {
    if (name.endsWith("scale")) expect(new Set(parameter.dataSync()), name).toEqual(new Set([1]));
    if (/bias|shift/.test(name)) expect(new Set(parameter.dataSync()), name).toEqual(new Set([0]));
  }
  dispose(fresh);
});

test("a seed decides the weights", () => {
  const [a, b, c] = [1, 1, 2].map((seed) => {
    const made = createGpt2(config, seed);
    const values = [...parameters(made).values()].map((parameter) => Array.from(parameter.dataSync()));
    dispose(made);
    return values;
  });
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
});

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, digits = 4): void {
  expect(actual.length).toBe(expected.length);
  Array.from(actual).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], digits);
  });
}

test("forward gives logits of every position, or of the last alone", () => {
  const all = tidy(() => model.forward(tokens).arraySync());
  const last = tidy(() => model.forward(tokens, { lastOnly: true }).arraySync());
  expect([all.length, all[0].length, all[0][0].length]).toEqual([2, 4, 13]);
  expect(last.map((rows) => rows.length)).toEqual([1, 1]);
  last.forEach(([row], batch) => {
    row.forEach((value, token) => {
      expect(value).toBeCloseTo(all[batch][3][token], 5);
    });
  });
});

test("a position sees nothing of what comes after it", () => {
  const changed = tensor2d([1, 2, 3, 9, 12, 11, 0, 1], [2, 4], "int32");
  const [before, after] = [tokens, changed].map((input) => tidy(() => model.forward(input).arraySync()));
  for (const batch of [0, 1]) {
    expect(after[batch].slice(0, 3).flat()).toEqual(before[batch].slice(0, 3).flat());
    expect(after[batch][3]).not.toEqual(before[batch][3]);
  }
  changed.dispose();
});

test("tokenLosses is −log softmax at the target, 0 where ignored; loss is its sum", () => {
  const logits = tidy(() => model.forward(tokens).arraySync());
  const expected = targets.arraySync().map((row, batch) =>
    row.map((target, time) => {
      const scores = logits[batch][time];
      return target < 0 ? 0 : Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - scores[target];
    }),
  );
  const losses = tidy(() => model.tokenLosses(tokens, targets).arraySync());
  losses.flat().forEach((loss, i) => {
    expect(loss).toBeCloseTo(expected.flat()[i], 4);
  });
  const total = tidy(() => model.loss(tokens, targets).arraySync());
  expect(total).toBeCloseTo(
    expected.flat().reduce((sum, loss) => sum + loss, 0),
    3,
  );
});

describe("tokenLosses of 600 positions", () => {
  const long = createGpt2({ ...config, contextLength: 200, numHeads: 1, width: 4 }, 2);
  scramble(long);
  const ids = (from: number): Tensor2D =>
    tensor2d(
      Int32Array.from({ length: 600 }, (_, i) => ((i * 7919) % (13 - from)) + from),
      [3, 200],
      "int32",
    );
  const [inputs, wanted] = [ids(0), ids(-1)];
  afterAll(() => {
    dispose(long);
    disposeTensors([inputs, wanted]);
  });

  test("equal those of all logits, but never hold more than 256 rows of them", async () => {
    let losses: ArrayLike<number> = [];
    const { kernels } = await profile(() => {
      losses = tidy(() => long.tokenLosses(inputs, wanted).dataSync());
    });
    const shapes = kernels.flatMap(({ outputShapes }) => outputShapes).filter((shape) => shape.at(-1) === 13);
    expect(new Set(shapes.map(String))).toEqual(new Set(["256,13", "88,13"]));
    const expected = tidy(() => {
      const logits = long.forward(inputs).reshape([600, 13]) as Tensor2D;
      return crossEntropy(logits, wanted.flatten()).dataSync();
    });
    expectClose(losses, expected);
  });

  test("have the gradients of loss", () => {
    const own = [...parameters(long).values()];
    const ofLoss = variableGrads(() => long.loss(inputs, wanted), own);
    const ofLosses = variableGrads(() => long.tokenLosses(inputs, wanted).sum(), own);
    for (const { name } of own) expectClose(ofLosses.grads[name].dataSync(), ofLoss.grads[name].dataSync(), 3);
    disposeTensors([ofLoss.value, ofLoss.grads, ofLosses.value, ofLosses.grads]);
  });
});

function gradientsOf(of: Gpt2, seed?: number): Map<string, number[]> {
  const own = parameters(of);
  const { value, grads } = variableGrads(() => of.loss(tokens, targets, { seed }), [...own.values()]);
  const values = [...own].map(([path, { name }]) => [path, Array.from(grads[name].dataSync())] as const);
  disposeTensors([value, grads]);
  return new Map(values);
}

/** ∂loss/∂parameter[index] from two losses. */
function finiteDifference(parameter: Parameter, index: number, seed?: number): number {
  const step = 0.002;
  const at = (change: number): number =>
    tidy(() => {
      const original = parameter.clone();
      const values = Float32Array.from(parameter.dataSync());
      values[index] += change;
      parameter.assign(tensor2d(values, [1, values.length]).reshape(parameter.shape));
      const loss = model.loss(tokens, targets, { seed }).arraySync();
      parameter.assign(original);
      return loss;
    });
  return (at(step) - at(-step)) / (2 * step);
}

test.each([undefined, 9])("the gradient of every parameter equals finite differences (dropout seed %s)", (seed) => {
  const gradients = gradientsOf(model, seed);
  for (const [path, parameter] of parameters(model)) {
    for (const index of new Set([0, 5 % parameter.size, parameter.size - 1])) {
      const expected = finiteDifference(parameter, index, seed);
      const actual = gradients.get(path)?.[index] ?? Number.NaN;
      expect(Math.abs(actual - expected), `${path}[${index}]`).toBeLessThan(0.01 + 0.01 * Math.abs(expected));
    }
  }
});

test("the tied embedding gets the gradient of the input and that of the head", () => {
  const rows = gradientsOf(model).get("tokenEmbedding.weight") ?? [];
  const norm = (token: number): number => Math.hypot(...rows.slice(token * 8, token * 8 + 8));
  expect(norm(8)).toBeGreaterThan(0); // token 8 is in no input and no target: only the head's softmax reaches it
  // Token 4 is an input but no target, so that finite differences through both paths are the test above.
  expect(Math.abs(rows[4 * 8] - finiteDifference(parameterNamed("tokenEmbedding.weight"), 4 * 8))).toBeLessThan(0.05);
});

describe("checkpointing", () => {
  const deep = createGpt2({ ...config, contextLength: 8, numLayers: 16, dropout: 0.2 }, 5);
  const ids = tensor2d(
    Int32Array.from({ length: 128 }, (_, i) => (i * 7919) % 13),
    [16, 8],
    "int32",
  );
  afterAll(() => {
    dispose(deep);
    ids.dispose();
  });

  /** Loss and gradients, and the most memory that they took on the way. */
  function differentiated(checkpointing: boolean): { values: number[][]; peakBytes: number } {
    const before = memory();
    let peakBytes = 0;
    const runKernel = engine().runKernel.bind(engine());
    const spy = vi.spyOn(engine(), "runKernel").mockImplementation((...call) => {
      const result = runKernel(...call);
      peakBytes = Math.max(peakBytes, memory().numBytes - before.numBytes);
      return result as never;
    });
    const values = tidy(() => {
      const loss = () => deep.loss(ids, ids, { seed: 4, checkpointing });
      const { value, gradients } = valueAndGradients(loss, [...parameters(deep).values()]);
      return [value, ...gradients].map((tensor) => Array.from(tensor?.dataSync() ?? []));
    });
    spy.mockRestore();
    expect(memory().numTensors).toBe(before.numTensors);
    return { values, peakBytes };
  }

  test("changes no bit, and keeps one tensor of a block instead of all", () => {
    const [plain, checkpointed] = [differentiated(false), differentiated(true)];
    expect(checkpointed.values).toEqual(plain.values);
    expect(plain.peakBytes).toBeGreaterThan(3 * checkpointed.peakBytes);
  });
});

test("dropout needs a rate and a seed", () => {
  const loss = (seed?: number): number => tidy(() => model.loss(tokens, targets, { seed }).arraySync());
  expect(loss()).toBe(loss());
  expect(loss(1)).toBe(loss(1));
  expect(new Set([loss(), loss(1), loss(2)]).size).toBe(3);
});

test("embeddings are dropped too, not only what blocks add", () => {
  const bare = createGpt2({ ...config, dropout: 0.5 }, 1);
  const blocks = bare.blocks.splice(0);
  const hidden = (seed?: number): number[] => Array.from(tidy(() => bare.hidden(tokens, { seed }).dataSync()));
  expect(hidden(1)).not.toEqual(hidden());
  expect(hidden(1)).not.toEqual(hidden(2));
  dispose([bare, blocks]);
});

test("a sequence longer than the context is refused", () => {
  const long = tensor2d(new Int32Array(7), [1, 7], "int32");
  expect(() => model.forward(long)).toThrow(SequenceTooLongError);
  expect(() => model.forward(long)).toThrow(/7 tokens .* context of 6/);
  long.dispose();
});

test.each([13, 50256, -1])("token %d is refused by every method with the size of the vocabulary", (token) => {
  const foreign = tensor2d([1, token], [1, 2], "int32");
  const known = tensor2d([1, 2], [1, 2], "int32");
  const before = memory().numTensors;
  const passes = [
    () => model.forward(foreign),
    () => model.tokenLosses(foreign, known),
    () => model.loss(foreign, known),
    ...(token === -1 ? [] : [() => model.tokenLosses(known, foreign), () => model.loss(known, foreign)]),
  ];
  for (const pass of passes) {
    expect(pass).toThrow(VocabularyError);
    expect(pass).toThrow(`Token ${token} is not in the model's vocabulary of 13 tokens`);
  }
  expect(memory().numTensors).toBe(before);
  disposeTensors([foreign, known]);
});

test("forward, losses and gradients leave nothing behind", () => {
  const before = memory().numTensors;
  model.forward(tokens).dispose();
  (model.tokenLosses(tokens, targets) as Tensor2D).dispose();
  model.loss(tokens, targets, { seed: 3 }).dispose();
  gradientsOf(model, 4);
  expect(memory().numTensors).toBe(before);
});
