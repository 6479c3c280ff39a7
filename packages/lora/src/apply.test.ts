import { memory, variableGrads } from "@tensorflow/tfjs";
import { Linear, parameters } from "@tessera-lm/layers";
import { describe, expect, it } from "vitest";
import { applyLora } from "./apply.ts";
import { AdapterStateError, LoraOptionError, UnmatchedTargetError } from "./errors.ts";
import { LoraLinear } from "./lora-linear.ts";
import { expected, loadBase, relativeError, tokens } from "./testing/fixtures.ts";

describe("applyLora", () => {
  it("replaces the targets, and changes no logit at first", async () => {
    const model = await loadBase();
    const adapter = applyLora(model, { targets: ["qkv", "feedForward.down"], rank: 3, seed: 1 });
    expect([...adapter.modules.keys()]).toEqual([
      "blocks.0.attention.qkv",
      "blocks.0.feedForward.down",
      "blocks.1.attention.qkv",
      "blocks.1.feedForward.down",
    ]);
    expect(model.blocks[0]?.attention.qkv).toBeInstanceOf(LoraLinear);
    expect(model.blocks[0]?.attention.output).toBeInstanceOf(Linear);
    expect(await relativeError(model.forward(await tokens()), await expected("logits.base"))).toBeLessThan(1e-5);
  });

  it("gives the trainable parameters stable names, with PEFT's defaults", async () => {
    const model = await loadBase();
    const names = [...parameters(model).keys()];
    const adapter = applyLora(model, { targets: [/blocks\.1\.attention/], seed: 1 });
    const trainable = adapter.parameters();
    expect([...trainable].map(([name, { shape }]) => [name, shape])).toEqual([
      ["blocks.1.attention.qkv.loraA", [16, 8]],
      ["blocks.1.attention.qkv.loraB", [8, 48]],
      ["blocks.1.attention.output.loraA", [16, 8]],
      ["blocks.1.attention.output.loraB", [8, 16]],
    ]);
    expect(adapter.modules.get("blocks.1.attention.qkv")?.lora).toEqual({
      rank: 8,
      alpha: 8,
      dropout: 0,
      rankStabilized: false,
    });
    expect([...parameters(model).keys()].filter((name) => !trainable.has(name))).toEqual(names);
  });

  it("freezes everything but A and B", async () => {
    const model = await loadBase();
    const trainable = new Set(
      applyLora(model, { targets: ["qkv"], seed: 1 })
        .parameters()
        .values(),
    );
    for (const parameter of parameters(model).values()) expect(parameter.trainable).toBe(trainable.has(parameter));
    const ids = await tokens();
    const { grads, value } = variableGrads(() => model.loss(ids, ids));
    expect(Object.keys(grads).sort()).toEqual([...trainable].map((parameter) => parameter.name).sort());
    value.dispose();
  });

  it("depends on the seed and on nothing else", async () => {
    const values = async (seed: number) => {
      const adapter = applyLora(await loadBase(), { targets: ["qkv"], seed });
      return [...adapter.parameters().values()].map((parameter) => [...parameter.dataSync()]);
    };
    const first = await values(5);
    expect(await values(5)).toEqual(first);
    expect(await values(6)).not.toEqual(first);
    expect(first[0]).not.toEqual(first[2]);
  });

  it("adapts a layer that is used twice once", async () => {
    const model = await loadBase();
    const [first, second] = model.blocks;
    if (first && second) second.attention.qkv = first.attention.qkv;
    const adapter = applyLora(model, { targets: ["qkv"], seed: 1 });
    expect(adapter.parameters().size).toBe(2);
    expect(second?.attention.qkv).toBe(first?.attention.qkv);
    expect(second?.attention.qkv).toBeInstanceOf(LoraLinear);
  });

  it("leaves the model alone when it cannot be done", async () => {
    const model = await loadBase();
    const before = memory().numTensors;
    const apply = (options: object) => () => applyLora(model, { targets: ["qkv"], seed: 1, ...options });
    expect(apply({ targets: ["qkv", "c_attn"] })).toThrow(UnmatchedTargetError);
    expect(apply({ targets: [] })).toThrow("targets is empty");
    for (const option of [{ rank: 0 }, { rank: 1.5 }, { alpha: Number.NaN }, { dropout: 1 }]) {
      expect(apply(option)).toThrow(LoraOptionError);
    }
    expect(memory().numTensors).toBe(before);
    expect([...parameters(model).values()].every((parameter) => parameter.trainable)).toBe(true);
    expect(model.blocks[0]?.attention.qkv).toBeInstanceOf(Linear);
    applyLora(model, { targets: ["qkv"], seed: 1 });
    expect(apply({ targets: ["up"] })).toThrow(AdapterStateError);
  });
});
