import { memory, tensor, tidy } from "@tensorflow/tfjs";
import { Linear, parameters } from "@tessera-lm/layers";
import { describe, expect, it } from "vitest";
import type { LoraAdapter } from "./adapter.ts";
import { applyLora } from "./apply.ts";
import { AdapterStateError } from "./errors.ts";
import { mergeLora, removeLora } from "./merge.ts";
import { expected, loadBase, relativeError, tokens } from "./testing/fixtures.ts";

/** Puts values into A and B, as training would. */
function train(adapter: LoraAdapter): void {
  for (const parameter of adapter.parameters().values()) {
    tidy(() =>
      parameter.assign(
        tensor(
          parameter.dataSync().map((_, i) => Math.sin(i) / 3),
          parameter.shape,
        ),
      ),
    );
  }
}

describe("mergeLora", () => {
  it("gives plain layers with the same logits", async () => {
    const model = await loadBase();
    const ids = await tokens();
    const [names, before] = [[...parameters(model).keys()], memory().numTensors];
    train(applyLora(model, { targets: ["qkv", "down"], rank: 4, alpha: 16, seed: 1 }));
    const adapted = model.forward(ids);
    expect(await relativeError(adapted, await expected("logits.base"))).toBeGreaterThan(0.05);
    mergeLora(model);
    expect(await relativeError(model.forward(ids), adapted)).toBeLessThan(1e-5);
    expect([...parameters(model).keys()]).toEqual(names);
    expect(model.blocks[1]?.feedForward.down).toBeInstanceOf(Linear);
    expect([...parameters(model).values()].every((parameter) => parameter.trainable)).toBe(true);
    expect(memory().numTensors - before).toBe(3); // the three logits of this test
  });

  it("leaves a model that can be adapted again", async () => {
    const model = await loadBase();
    train(applyLora(model, { targets: ["qkv"], seed: 1 }));
    mergeLora(model);
    expect(applyLora(model, { targets: ["up"], seed: 1 }).parameters().size).toBe(4);
  });

  it("needs an adapter", async () => {
    const model = await loadBase();
    expect(() => mergeLora(model)).toThrow(AdapterStateError);
    expect(() => removeLora(model)).toThrow(AdapterStateError);
  });
});

describe("removeLora", () => {
  it("puts the very layers back", async () => {
    const model = await loadBase();
    const layers = model.blocks.map((block) => block.attention.qkv);
    applyLora(model, { targets: ["qkv"], seed: 1 });
    removeLora(model);
    for (const [i, layer] of layers.entries()) expect(model.blocks[i]?.attention.qkv).toBe(layer);
  });

  it("restores the base exactly, and what was frozen before stays frozen", async () => {
    const model = await loadBase();
    const ids = await tokens();
    model.positionEmbedding.weight.trainable = false;
    const [logits, before] = [[...model.forward(ids).dataSync()], memory().numTensors];
    train(applyLora(model, { targets: ["qkv", "up"], seed: 1 }));
    removeLora(model);
    expect(memory().numTensors).toBe(before);
    expect([...model.forward(ids).dataSync()]).toEqual(logits);
    const frozen = [...parameters(model)].filter(([, parameter]) => !parameter.trainable).map(([name]) => name);
    expect(frozen).toEqual(["positionEmbedding.weight"]);
  });
});
