import { tensor1d } from "@tensorflow/tfjs";
import { dispose, modules, parameters, replaceModules, StoredLinear } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { createDecoder } from "../decoder/decoder.ts";
import { createGpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createEncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { ArgumentError } from "../errors.ts";
import { summary } from "./summary.ts";

const sizes = { vocabSize: 64, contextLength: 8, numLayers: 3, numHeads: 2, width: 32 };
const models = {
  Gpt2: createGpt2(sizes, 1),
  Decoder: createDecoder({ ...sizes, numKeyValueHeads: 1 }, 1),
  Encoder: createEncoder({ ...sizes, pooler: true }, 1),
  EncoderDecoder: createEncoderDecoder(sizes, 1),
};

test.each(Object.entries(models))("a %s: every module once, every parameter in one of them", (type, model) => {
  const table = summary(model);
  const count = [...parameters(model).values()].reduce((total, { size }) => total + size, 0);
  expect(table).toMatchObject({ parameters: count, trainable: count, bytes: 4 * count });
  expect(table.rows[0]).toMatchObject({ path: "", type, parameters: count });
  expect(table.rows.reduce((total, { ownParameters }) => total + ownParameters, 0)).toBe(count);
  const paths = table.rows.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths.slice(1)).toEqual([...new Map([...modules(model)].map(({ module, path }) => [module, path])).values()]);
});

test("a row has the shapes of its module, and what is below it", () => {
  const { rows } = summary(models.Gpt2);
  expect(rows.find(({ path }) => path === "blocks.1.attention.qkv")).toEqual({
    path: "blocks.1.attention.qkv",
    type: "Linear",
    shapes: { weight: [32, 96], bias: [96] },
    format: "F32",
    ownParameters: 32 * 96 + 96,
    parameters: 32 * 96 + 96,
    trainable: 32 * 96 + 96,
    bytes: 4 * (32 * 96 + 96),
  });
  expect(rows.find(({ path }) => path === "blocks.1.attention")?.parameters).toBe(32 * 96 + 96 + 32 * 32 + 32);
});

test("relative positions that all blocks share count once, at the first", () => {
  const { rows } = summary(models.EncoderDecoder);
  const [first, second] = ["encoder.blocks.0.attention", "encoder.blocks.1.attention"].map((path) =>
    rows.find((row) => row.path === path),
  );
  expect(first?.shapes).toEqual({ "relativePosition.weight": [32, 2] });
  expect(second?.shapes).toEqual({});
});

test("the text has one row for blocks that look the same", () => {
  const text = String(summary(models.Gpt2));
  expect(text).toMatch(/^Gpt2 /m);
  expect(text).toMatch(/^ {2}blocks\.0–2 +Block +12,704 +50\.8 kB$/m);
  expect(text).toMatch(/^ {6}qkv +Linear +weight 32×96, bias 96 +F32 +3,168 +12\.7 kB$/m);
  expect(text).not.toContain("blocks.1");
  expect(text).toMatch(/\n40,\d{3} parameters, 40,\d{3} of them trainable, 16\d\.\d kB$/);
});

test("parts whose whole is no module are named by their path from the next one that is", () => {
  const labels = (model: object): string[] =>
    String(summary(model))
      .split("\n")
      .map((line) => line.trimEnd());
  const writer = labels(models.EncoderDecoder);
  for (const label of ["  encoder.blocks.0", "  encoder.finalNorm", "  decoder.blocks.1–2", "    crossAttention"]) {
    expect(writer.some((line) => line.startsWith(`${label} `))).toBe(true);
  }
  expect(labels(models.Encoder).some((line) => line.startsWith("  maskedHead.dense "))).toBe(true);
});

test("a block that differs has rows of its own", () => {
  const model = createGpt2(sizes, 1);
  replaceModules(model, (path, module) =>
    path === "blocks.1.attention.qkv" ? { base: module, forward: () => 0 } : undefined,
  );
  const text = String(summary(model));
  for (const label of ["blocks.0", "blocks.1", "blocks.2", "base"])
    expect(text).toMatch(new RegExp(`^ +${label} `, "m"));
  dispose(model);
});

test("matrices in fewer bits count with the memory that they take, and cannot learn", () => {
  const words = tensor1d(new Int32Array((64 * 34) / 4), "int32");
  const weight = { format: "Q8_0" as const, shape: [64, 32] as const, words, unpack: () => new Float32Array(0) };
  const table = summary({ head: new StoredLinear(weight) });
  expect(table).toMatchObject({ parameters: 2048, trainable: 0, bytes: 2176 });
  expect(String(table)).toMatch(/head +StoredLinear +weight 64×32 +Q8_0 +2,048 +2\.2 kB/);
});

test("what is no model is refused", () => {
  for (const wrong of [undefined, null, 5] as never[]) expect(() => summary(wrong)).toThrow(ArgumentError);
});
