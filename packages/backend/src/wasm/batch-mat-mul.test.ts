import { backend, fused, matMul, memory, type Tensor, type TypedArray, tensor, tidy, variable } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { describe, expect, it } from "vitest";
import { expectPlainProducts } from "../testing/matrices.ts";
import { expectAsOnCpu, gradientsOf, ramp, tensorOf } from "../testing/on-backend.ts";
import { useBackend } from "../use-backend.ts";

describe("matMul on wasm", () => {
  it("equals three plain loops for all shapes, transposes and batches, empty ones too", async () => {
    await expectPlainProducts("wasm", 200);
  });

  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])("has cpu's gradient, transposeA %s, transposeB %s", async (transposeA, transposeB) => {
    const a = ramp(transposeA ? [3, 6, 5] : [3, 5, 6]);
    const b = ramp(transposeB ? [3, 7, 6] : [3, 6, 7], 1);
    await expectAsOnCpu(
      "wasm",
      gradientsOf((x, y) => matMul(x as Tensor, y as Tensor, transposeA, transposeB), [a, b]),
    );
  });

  it("transposes matrices with 512 rows and a multiple of it", async () => {
    for (const rows of [512, 1024]) {
      const product = () => matMul(tensorOf(ramp([rows, 19])), tensorOf(ramp([rows, 5], 1)), true, false);
      await expectAsOnCpu("wasm", product, 1e-3);
      await expectAsOnCpu("wasm", () => tensorOf(ramp([2, rows, 19])).transpose([0, 2, 1]));
      await expectAsOnCpu("wasm", () => tensorOf(ramp([rows, 3, 5])).transpose([1, 2, 0]));
    }
  });

  it("multiplies by an operand as it is now, whoever rewrote its memory", async () => {
    await useBackend("wasm");
    const [a, b] = [tensor(ramp([8, 4]).values, [8, 4]), tensor(ramp([4, 6], 1).values, [4, 6])];
    for (const product of [() => matMul(a, b), () => fused.matMul({ a: a.as2D(8, 4), b: b.as2D(4, 6) })]) {
      const before = await product().data();
      heap(b).forEach((value, i, all) => {
        all[i] = 2 * value;
      });
      expect(await product().data()).toEqual(before.map((value) => 2 * value));
    }
  });

  it.each([1, 8])("follows a variable that is assigned, %i rows", async (rows) => {
    await useBackend("wasm");
    const a = tensor(ramp([rows, 4]).values, [rows, 4]);
    const b = variable(tensor(ramp([4, 6]).values, [4, 6]));
    const before = await matMul(a, b).data();
    b.assign(tidy(() => b.mul(-1)));
    expect(await matMul(a, b).data()).toEqual(before.map((value) => -value));
  });

  it("frees what it took", async () => {
    await useBackend("wasm");
    const [a, b] = [tensorOf(ramp([3, 9, 5])), tensorOf(ramp([3, 9, 5], 1))];
    const [one, other] = [tensorOf(ramp([9, 5])), tensorOf(ramp([700, 5]))];
    const before = { ...memory(), ids: backend().numDataIds() };
    for (const product of [
      () => matMul(a, b, true, false),
      () => matMul(a, b, false, true),
      () => matMul(one, other, false, true),
      () => fused.matMul({ a: one.as2D(5, 9), b: one.as2D(9, 5) }),
    ])
      tidy(() => void product());
    expect(memory().numTensors).toBe(before.numTensors);
    expect(backend().numDataIds()).toBe(before.ids);
  });

  it("says which sizes differ", async () => {
    await useBackend("wasm");
    expect(() => matMul(tensorOf(ramp([2, 3])), tensorOf(ramp([4, 5])))).toThrow(/3.*4/);
  });
});

function heap(x: Tensor): TypedArray {
  return (backend() as BackendWasm).typedArrayFromHeap(x);
}
