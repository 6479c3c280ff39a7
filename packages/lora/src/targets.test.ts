import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnmatchedTargetError } from "./errors.ts";
import { matchesTarget, matchTargets, namesOf } from "./targets.ts";

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
