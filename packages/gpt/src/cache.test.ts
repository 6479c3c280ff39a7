import { setBackend, slice, type Tensor2D, tensor2d, tidy } from "@tensorflow/tfjs";
import { KeyValueCache, type LanguageModel } from "@tessera-lm/layers";
import { beforeAll, describe, expect, it } from "vitest";
import { createDecoder } from "./decoder.ts";
import { createGpt2 } from "./gpt2.ts";

const sizes = { vocabSize: 50, contextLength: 20, numLayers: 2, numHeads: 4, width: 16 };
const llama = { ...sizes, numKeyValueHeads: 2, norm: "rms", activation: "silu", gated: true, bias: false } as const;

const models: Record<string, () => LanguageModel> = {
  "GPT-2": () => createGpt2(sizes, 1),
  "rotary, grouped heads": () => createDecoder({ ...llama, positions: "rotary" }, 1),
  "a sliding window": () => createDecoder({ ...llama, positions: "rotary", slidingWindow: 5 }, 1),
  ALiBi: () => createDecoder({ ...sizes, positions: "alibi" }, 1),
  "sinusoidal positions": () => createDecoder({ ...sizes, positions: "sinusoidal" }, 1),
  "learned positions": () => createDecoder({ ...sizes, positions: "learned" }, 1),
};

const ids = Array.from({ length: 12 }, (_, i) => (7 * i * i + 3) % sizes.vocabSize);

beforeAll(() => setBackend("cpu"));

describe.each(Object.entries(models))("with a cache, %s", (_, make) => {
  it("has the logits that it has without", () => {
    const model = make();
    const expected = tidy(() => model.forward(tensor2d([ids], [1, ids.length], "int32")).arraySync())[0] as number[][];
    const cache = new KeyValueCache(1, ids.length);
    let start = 0;
    for (const count of [5, 1, 1, 3, 2]) {
      const tokens = tensor2d([ids.slice(start, start + count)], [1, count], "int32");
      const logits = tidy(() => model.forward(tokens, { cache, positions: from(start, count) }).arraySync())[0];
      for (const row of logits as number[][]) {
        row.forEach((logit, v) => expect(logit).toBeCloseTo(expected[start]?.[v] as number, 4));
        start++;
      }
    }
    cache.dispose();
  });

  it("may go back to an earlier position", () => {
    const model = make();
    const cache = new KeyValueCache(1, ids.length);
    const read = (tokens: readonly number[], start: number) =>
      tidy(() => {
        const positions = from(start, tokens.length);
        const logits = model.forward(tensor2d([[...tokens]], [1, tokens.length], "int32"), { cache, positions });
        return [...slice(logits.squeeze([0]), [tokens.length - 1, 0], [1, -1]).dataSync()];
      });
    read(ids, 0);
    const again = read([1, 2], 4);
    cache.dispose();
    const cacheless = tidy(() =>
      model.forward(tensor2d([[...ids.slice(0, 4), 1, 2]], [1, 6], "int32")).arraySync(),
    )[0] as number[][];
    again.forEach((logit, v) => expect(logit).toBeCloseTo(cacheless[5]?.[v] as number, 4));
  });
});

function from(start: number, count: number): Tensor2D {
  return tensor2d([Array.from({ length: count }, (_, t) => start + t)], [1, count], "int32");
}
