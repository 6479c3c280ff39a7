import { matMul, type Tensor, type Tensor2D, tensor2d, variable } from "@tensorflow/tfjs";
import { createBlock, createEmbedding, createLayerNorm, zeros } from "@tessera-lm/layers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyLora } from "./apply.ts";
import { UnmatchedTargetError } from "./errors.ts";
import { mergeLora } from "./merge.ts";
import { linearLayers, matchesTarget, matchTargets, namesOf } from "./targets.ts";

const PATHS = [0, 1].flatMap((i) =>
  ["attention.qkv", "attention.output", "feedForward.up", "feedForward.output"].map((part) => `blocks.${i}.${part}`),
);

describe("matchesTarget", () => {
  it("compares whole segments from the end", () => {
    const path = "blocks.0.attention.qkv";
    for (const target of ["qkv", "attention.qkv", path]) expect(matchesTarget(path, target)).toBe(true);
    for (const target of ["kv", "attention", "blocks.0", ".qkv", "n.qkv"])
      expect(matchesTarget(path, target)).toBe(false);
  });

  it("searches regular expressions, the same each time", () => {
    const target = /blocks\.[01]\..*v$/g;
    for (let i = 0; i < 3; i++) expect(matchesTarget("blocks.1.attention.qkv", target)).toBe(true);
    expect(matchesTarget("blocks.2.attention.qkv", target)).toBe(false);
  });
});

/** A linear layer that knows nothing of ours. */
class ForeignLinear {
  runs = 0;
  weight = variable(
    tensor2d([
      [1, 2],
      [3, 4],
    ]),
  );
  forward(x: Tensor): Tensor {
    this.runs++;
    return matMul(x as Tensor2D, this.weight);
  }
}

describe("linearLayers", () => {
  it("finds the linear layers, and no embedding, norm or adapter", () => {
    const model = {
      embedding: createEmbedding({ count: 3, width: 4 }, zeros),
      block: createBlock({ width: 4, numHeads: 2 }, zeros),
      norm: createLayerNorm({ width: 4 }),
      head: new ForeignLinear(),
    };
    const paths = ["attention.qkv", "attention.output", "feedForward.up", "feedForward.down"];
    expect([...linearLayers(model).keys()]).toEqual([...paths.map((path) => `block.${path}`), "head"]);
    applyLora(model, { targets: [/output|up/], seed: 1 });
    expect([...linearLayers(model).keys()]).toEqual(["block.attention.qkv", "block.feedForward.down", "head"]);
  });

  it("finds layers that can be adapted whoever wrote them", () => {
    const head = new ForeignLinear();
    const model = { head };
    const x = tensor2d([[1, 1]]);
    const { loraA, loraB } =
      applyLora(model, { targets: ["head"], rank: 1, alpha: 1, seed: 1 }).modules.get("head") ?? {};
    expect([...model.head.forward(x).dataSync()]).toEqual([4, 6]);
    loraA?.assign(tensor2d([[1], [2]]));
    loraB?.assign(tensor2d([[10, 100]]));
    expect([...model.head.forward(x).dataSync()]).toEqual([34, 306]);
    expect(head.runs).toBe(2);
    mergeLora(model);
    expect(model.head).toBe(head);
    expect([...head.forward(x).dataSync()]).toEqual([34, 306]);
  });
});

describe("matchTargets", () => {
  it("takes what any target matches", () => {
    expect([...matchTargets(PATHS, ["qkv", /^blocks\.1\.feed/])]).toEqual([
      "blocks.0.attention.qkv",
      "blocks.1.attention.qkv",
      "blocks.1.feedForward.up",
      "blocks.1.feedForward.output",
    ]);
  });

  it("names the target that matches nothing, and what there is", () => {
    expect(() => matchTargets(PATHS, ["qkv", "c_attn"])).toThrow(UnmatchedTargetError);
    expect(() => matchTargets(PATHS, ["qkv", "c_attn"])).toThrow(
      /"c_attn".*8 linear layers.*blocks\.0\.attention\.qkv/,
    );
    expect(() => matchTargets([], [/x/])).toThrow("/x/");
  });
});

describe("namesOf", () => {
  it("finds the shortest endings", () => {
    const names = (...targets: (string | RegExp)[]) => namesOf(matchTargets(PATHS, targets), PATHS);
    expect(names("qkv")).toEqual(["qkv"]);
    expect(names("attention.output")).toEqual(["attention.output"]);
    expect(names("output")).toEqual(["output"]);
    expect(names("0.attention.output")).toEqual(["0.attention.output"]);
    expect(names("qkv", "up")).toEqual(["qkv", "up"]);
  });

  it("matches exactly the chosen paths again", () => {
    fc.assert(
      fc.property(fc.subarray(PATHS, { minLength: 1 }), (chosen) => {
        expect([...matchTargets(PATHS, namesOf(new Set(chosen), PATHS))].sort()).toEqual([...chosen].sort());
      }),
    );
  });
});
