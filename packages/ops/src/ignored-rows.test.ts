import { beforeAll, describe, expect, it } from "vitest";
import { backends, expectClose, fixture, type Numbers, use, valueAndGradients } from "./test-support.ts";

const IGNORED = [0, 2];
const losses = fixture.cases.filter((test) => test.name === "some ignored");

/** The tensor (N, …) with `value` in all or one of the places of each ignored row. */
function poisoned(tensor: Numbers, value: number, everywhere: boolean): Numbers {
  const width = tensor.values.length / (tensor.shape[0] as number);
  const hit = (i: number) => IGNORED.includes(Math.floor(i / width)) && (everywhere || i % width === 1);
  return { ...tensor, values: tensor.values.map((old, i) => (hit(i) ? value : old)) };
}

const poisons = [Number.NaN, -Infinity, Infinity].flatMap((value) => [
  [value, "one place", false] as const,
  [value, "every place", true] as const,
]);

describe.each(backends)("rows of ignored targets on %s", (backend) => {
  beforeAll(() => use(backend));

  it.each(losses.map((test) => [test.operation, test] as const))("are those of the fixture in %s", (_, test) => {
    expect(test.inputs.targets?.values.flatMap((id, row) => (id === -1 ? [row] : []))).toEqual(IGNORED);
  });

  describe.each(losses.map((test) => [test.operation, test] as const))("%s", (_, test) => {
    it.each(poisons)("change nothing with %s in %s", (value, _place, everywhere) => {
      const [name] = Object.keys(test.inputs) as [string]; // logits or hidden
      const inputs = { ...test.inputs, [name]: poisoned(test.inputs[name] as Numbers, value, everywhere) };
      const found = valueAndGradients(test, inputs);
      expectClose(found.value, test.value.values);
      for (const [input, gradient] of Object.entries(test.gradients))
        expectClose(found.gradients[input] ?? [], gradient.values);
    });
  });
});
