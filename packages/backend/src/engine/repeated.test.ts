import {
  add,
  backend,
  memory,
  mul,
  scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tensor2d,
  tidy,
  zeros,
} from "@tensorflow/tfjs";
import { cachedAttention, type KeyValues, linear, repeated, rope } from "@tessera-lm/ops";
import { describe, expect, it, vi } from "vitest";
import { engines } from "../testing/engines.ts";
import { expectAsOnCpu, ramp, tensorOf } from "../testing/on-backend.ts";
import { useBackend } from "../use-backend.ts";
import type { EngineBackend } from "./backend.ts";

describe.each(engines)("repeated on %s", (name) => {
  it("computes in JavaScript twice, and any number of times without it", async () => {
    await useBackend(name);
    const weight = tensorOf(ramp([3, 3])) as Tensor2D;
    const f = vi.fn((x: Tensor) => linear(add(x, 1), weight));
    const step = repeated(f);
    const before = memory().numTensors;
    for (let i = 0; i < 5; i++) {
      const x = tensor2d([[i, 2, -i]]);
      const [y, expected] = [step.run(x), tidy(() => linear(add(x, 1), weight))];
      expect([...(await y.data())]).toEqual([...(await expected.data())]);
      for (const tensor of [x, y, expected]) tensor.dispose();
    }
    expect(f).toHaveBeenCalledTimes(2);
    step.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it("gives its memory back", async () => {
    await useBackend(name);
    const used = () => (backend() as EngineBackend).memory().numBytes;
    const before = used();
    const step = repeated((x) => mul(add(x, 1), 2));
    const x = zeros([1000]);
    for (let i = 0; i < 3; i++) step.run(x).dispose();
    expect(used()).toBeGreaterThan(before + 4000);
    step.dispose();
    x.dispose();
    expect(used()).toBe(before);
  });

  it("does without a recording where JavaScript needs a result", async () => {
    await useBackend(name);
    const f = vi.fn((x: Tensor) => add(x, x.dataSync()[0] as number));
    const step = repeated(f);
    const before = memory().numTensors;
    for (const value of [1, 2, 3]) expect(tidy(() => step.run(scalar(value)).dataSync()[0])).toBe(2 * value);
    expect(memory().numTensors).toBe(before);
    expect(f.mock.calls.length).toBeGreaterThanOrEqual(3);
  });

  it("writes to a cache that outlives it", async () => {
    const [q, k, v] = [ramp([1, 4, 8], 1), ramp([1, 4, 4], 2), ramp([1, 4, 4], 3)];
    const row = (x: typeof q, t: number) => {
      const width = x.shape[2] as number;
      return tensorOf({ shape: [1, 1, width], values: x.values.slice(t * width, (t + 1) * width) });
    };
    const steps = (): Tensor => {
      const cache: KeyValues = { keys: zeros([1, 5, 4]), values: zeros([1, 5, 4]) };
      const step = repeated((q, k, v, positions) => {
        const turned = rope(q as Tensor3D, { numHeads: 2, positions: positions as Tensor2D });
        const options = { numHeads: 2, numGroups: 1 };
        return cachedAttention(turned, k as Tensor3D, v as Tensor3D, cache, positions as Tensor2D, options);
      });
      const rows = [0, 1, 2, 3].map((t) => step.run(row(q, t), row(k, t), row(v, t), tensor2d([[t]], [1, 1], "int32")));
      return rows.map((y) => y.flatten()).reduce((all, y) => all.concat(y));
    };
    await expectAsOnCpu(name, steps);
  });

  it("cachedAttention refuses a position that the cache has no room for", async () => {
    await useBackend(name);
    const x = zeros([1, 1, 4]) as Tensor3D;
    const cache: KeyValues = { keys: zeros([1, 2, 4]), values: zeros([1, 2, 4]) };
    const attend = async () =>
      cachedAttention(x, x, x, cache, tensor2d([[2]], [1, 1], "int32"), { numHeads: 1 }).data();
    await expect(attend()).rejects.toThrow("position 2 is outside of the cache, which has room for 2");
    expect(tensor1d([1]).dataSync()[0]).toBe(1);
  });
});
