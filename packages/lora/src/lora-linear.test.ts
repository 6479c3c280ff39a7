import { memory, mul, sum, tensor, tensor2d, variableGrads } from "@tensorflow/tfjs";
import { createLinear, Linear, normal, parameter, parameters, randomGenerator } from "@tessera-lm/layers";
import { describe, expect, it } from "vitest";
import { createLoraLinear, LoraLinear, loraScale } from "./lora-linear.ts";

const SHAPE = { rank: 2, alpha: 6, dropout: 0, rankStabilized: false };
const base = () => createLinear({ inputs: 9, outputs: 4 }, (shape, std) => normal(shape, std, randomGenerator(1)));

describe("loraScale", () => {
  it("is alpha / rank, or alpha / √rank", () => {
    expect(loraScale({ ...SHAPE, rank: 4 })).toBe(1.5);
    expect(loraScale({ ...SHAPE, rank: 4, rankStabilized: true })).toBe(3);
  });
});

describe("LoraLinear", () => {
  it("computes x · W + b + scale · x · A · B", () => {
    const linear = new Linear(
      parameter(
        tensor2d([
          [1, 2],
          [3, 4],
        ]),
      ),
      parameter(tensor([0.5, -0.5])),
    );
    const a = parameter(tensor2d([[1], [2]]));
    const b = parameter(tensor2d([[10, 100]]));
    const lora = new LoraLinear(linear, a, b, { ...SHAPE, rank: 1, alpha: 2 });
    // x = (1, 1): x·W + b = (4.5, 5.5); x·A = 3; 2 · 3 · B = (60, 600)
    expect([...lora.forward(tensor2d([[1, 1]])).dataSync()]).toEqual([64.5, 605.5]);
  });

  it("starts with the layer's own output: B is zero, A is U(±1/√inputs)", () => {
    const linear = createLinear({ inputs: 400, outputs: 3 }, (shape, std) => normal(shape, std, randomGenerator(1)));
    const lora = createLoraLinear(linear, { ...SHAPE, rank: 10 }, randomGenerator(2));
    const x = tensor2d(
      Array.from({ length: 400 }, (_, i) => Math.sin(i)),
      [1, 400],
    );
    expect([...lora.forward(x).dataSync()]).toEqual([...linear.forward(x).dataSync()]);
    const a = lora.loraA.dataSync<"float32">();
    expect(lora.loraA.shape).toEqual([400, 10]);
    expect(Math.max(...a)).toBeLessThanOrEqual(1 / 20);
    expect(Math.max(...a)).toBeGreaterThan(0.98 / 20);
    expect(Math.min(...a)).toBeLessThan(-0.98 / 20);
    const variance = a.reduce((total, value) => total + value ** 2, 0) / a.length;
    expect(variance * 3 * 400).toBeCloseTo(1, 1);
  });

  it("keeps the layer's parameters, under their names", () => {
    const linear = base();
    const lora = createLoraLinear(linear, SHAPE, randomGenerator(2));
    expect([...parameters(lora).keys()]).toEqual(["weight", "bias", "loraA", "loraB"]);
    expect(lora.weight).toBe(linear.weight);
    expect(lora.base).toBe(linear);
  });

  it("drops the adapter's input only, only in training, and rescales it", () => {
    const lora = createLoraLinear(base(), { ...SHAPE, dropout: 0.5 }, randomGenerator(2));
    const x = tensor2d(
      Array.from({ length: 9 }, (_, i) => i + 1),
      [1, 9],
    );
    const run = (seed?: number) => [...lora.forward(x, { seed }).dataSync()];
    expect(run(7)).toEqual(run()); // B is zero: nothing of the base is dropped
    lora.loraB.assign(tensor2d([1, 0, 0, 0, 0, 1, 0, 0], [2, 4]));
    expect(run()).toEqual(run());
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
    const mean = Array.from({ length: 2000 }, (_, seed) => run(seed)[0] as number).reduce((s, y) => s + y / 2000, 0);
    expect(mean).toBeCloseTo(run()[0] as number, 0);
  });

  it("has the gradients of finite differences", () => {
    const lora = createLoraLinear(base(), SHAPE, randomGenerator(2));
    lora.loraB.assign(
      tensor2d(
        Array.from({ length: 8 }, (_, i) => Math.cos(i)),
        [2, 4],
      ),
    );
    const x = tensor2d(
      Array.from({ length: 18 }, (_, i) => Math.sin(i)),
      [2, 9],
    );
    const weights = tensor2d(
      Array.from({ length: 8 }, (_, i) => Math.sin(2 * i)),
      [2, 4],
    );
    const loss = () => sum(mul(lora.forward(x), weights)).asScalar();
    const { grads } = variableGrads(loss, [lora.loraA, lora.loraB]);
    for (const variable of [lora.loraA, lora.loraB]) {
      const start = variable.dataSync().slice();
      const gradient = grads[variable.name]?.dataSync() ?? [];
      for (const i of [0, 3, start.length - 1]) {
        const at = (change: number) => {
          const moved = start.slice();
          moved[i] = (moved[i] as number) + change;
          variable.assign(tensor2d(moved, variable.shape));
          return loss().dataSync()[0] as number;
        };
        expect((at(0.1) - at(-0.1)) / 0.2).toBeCloseTo(gradient[i] as number, 4);
        variable.assign(tensor2d(start, variable.shape));
      }
    }
  });

  it("leaves only its result behind", () => {
    const lora = createLoraLinear(base(), { ...SHAPE, dropout: 0.5 }, randomGenerator(2));
    const x = tensor2d(
      Array.from({ length: 9 }, () => 1),
      [1, 9],
    );
    const before = memory().numTensors;
    lora.forward(x, { seed: 1 }).dispose();
    expect(memory().numTensors).toBe(before);
  });
});
