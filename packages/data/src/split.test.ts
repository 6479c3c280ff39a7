import { existsSync, readFileSync } from "node:fs";
import { characterTokenizer } from "@tessera-lm/tokenizer";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataOptionError } from "./errors.ts";
import { HeldOut } from "./held-out.ts";
import { splitText, splitTokens } from "./split.ts";
import { inMemoryTokens, type TokenSource } from "./token-source.ts";

const shared = new URL("../../../../shared/data/", import.meta.url);
const all = (tokens: TokenSource): number[] => [...tokens.read(0, tokens.length)];
const fraction = fc.double({ min: 0, max: 0.49, noNaN: true });

describe("splitTokens", () => {
  it("gives training, validation and test in the order of the text", () => {
    const split = splitTokens(
      Uint32Array.from({ length: 20 }, (_, i) => i),
      { validation: 0.1, test: 0.2 },
    );
    expect(all(split.training)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(all(split.validation)).toEqual([14, 15]);
    expect(all(split.test.open("a test"))).toEqual([16, 17, 18, 19]);
  });

  it("gives everything to training unless told otherwise", () => {
    const split = splitTokens(Uint32Array.of(1, 2, 3), {});
    expect([split.training.length, split.validation.length, split.test.open("a test").length]).toEqual([3, 0, 0]);
  });

  it("is not off by one where fractions have no exact binary form", () => {
    expect(splitTokens(new Uint32Array(10), { validation: 0.9 }).training.length).toBe(1);
    expect(splitTokens(new Uint32Array(10), { validation: 0.1, test: 0.2 }).training.length).toBe(7);
  });

  it("puts every token into exactly one part", () => {
    fc.assert(
      fc.property(fc.uint32Array(), fraction, fraction, (ids, validation, test) => {
        const split = splitTokens(ids, { validation, test });
        const parts = [split.training, split.validation, split.test.open("a property")];
        expect(parts.flatMap(all)).toEqual(Array.from(ids, (id) => id | 0));
      }),
    );
  });

  it.each([{ validation: 1 }, { test: -0.1 }, { validation: Number.NaN }, { validation: 0.5, test: 0.5 }])(
    "refuses %o",
    (fractions) => {
      expect(() => splitTokens(new Uint32Array(9), fractions)).toThrow(DataOptionError);
      expect(() => splitText("text", fractions)).toThrow(DataOptionError);
    },
  );
});

describe("splitText", () => {
  it("counts code points and never cuts one", () => {
    const split = splitText("a😀b😀c😀d😀e😀", { validation: 0.1, test: 0.2 });
    expect([split.training, split.validation, split.test.open("a test")]).toEqual(["a😀b😀c😀d", "😀", "e😀"]);
  });

  it("splits any text where splitTokens splits its characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fraction, fraction, (text, validation, test) => {
        const split = splitText(text, { validation, test });
        const tokens = splitTokens(
          Uint32Array.from(text, (c) => c.codePointAt(0) ?? 0),
          { validation, test },
        );
        expect(split.training + split.validation + split.test.open("a property")).toBe(text);
        expect(Array.from(split.training, (c) => c.codePointAt(0))).toEqual(all(tokens.training));
        expect(Array.from(split.validation, (c) => c.codePointAt(0))).toEqual(all(tokens.validation));
      }),
    );
  });
});

describe.skipIf(!existsSync(shared))("tiny Shakespeare", async () => {
  if (!existsSync(shared)) return;
  const text = readFileSync(new URL("corpus/tinyshakespeare.txt", shared), "utf8");
  const golden = (name: string): string =>
    readFileSync(new URL(`golden/nanogpt_shakespeare_char/${name}`, shared), "latin1");
  const bytesOf = (tokens: TokenSource): string =>
    Buffer.from(Uint16Array.from(tokens.read(0, tokens.length)).buffer).toString("latin1");

  it("becomes nanoGPT's train.bin and val.bin, character by character", () => {
    const split = splitTokens(characterTokenizer(text).encode(text), { validation: 0.1 });
    expect([split.training.length, split.validation.length]).toEqual([1_003_854, 111_540]);
    expect(bytesOf(split.training)).toBe(golden("train.bin"));
    expect(bytesOf(split.validation)).toBe(golden("val.bin"));
  });

  it("has 301,966 and 36,059 GPT-2 tokens when it is split as text", async () => {
    const gpt2 = await loadTokenizer(new URL("tokenizers/gpt2", shared).pathname);
    const split = splitText(text, { validation: 0.1 });
    expect(gpt2.encode(split.training).length).toBe(301_966);
    expect(gpt2.encode(split.validation).length).toBe(36_059);
  });
});

describe("HeldOut", () => {
  it("cannot be read without being opened for a purpose, which it remembers", () => {
    let opened = 0;
    const test = new HeldOut(() => inMemoryTokens([++opened]));
    expect(opened).toBe(0);
    expect(test).not.toHaveProperty("read");
    expect(test).not.toHaveProperty("length");
    expect(() => test.open("  ")).toThrow(DataOptionError);
    expect(() => (test as unknown as { open(): void }).open()).toThrow("purpose must be a sentence");
    expect(opened).toBe(0);
    expect(all(test.open("the final score"))).toEqual([1]);
    expect(test.purposes).toEqual(["the final score"]);
  });
});
