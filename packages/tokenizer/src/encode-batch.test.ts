import { describe, expect, test } from "vitest";
import { encodeBatch } from "./encode-batch.ts";
import { InvalidBatchOptionError } from "./errors.ts";
import cases from "./fixtures/batches.json" with { type: "json" };
import type { Tokenizer } from "./tokenizer.ts";

/** Texts of numbers, which are the ids; `101 … 102` around them. */
const numbers = {
  vocabSize: 103,
  specialTokens: new Map([["[PAD]", 100]]),
  encode: (text, { addSpecialTokens = false } = {}) => {
    const ids = text.split(" ").filter(Boolean).map(Number);
    return Uint32Array.from(addSpecialTokens ? [101, ...ids, 102] : ids);
  },
} as Partial<Tokenizer> as Tokenizer;

const rowsOf = (values: Int32Array, [batch, time]: readonly [number, number]): number[][] =>
  Array.from({ length: batch }, (_, row) => [...values.subarray(row * time, (row + 1) * time)]);

test.each(cases)("Hugging Face's rows for $options", ({ texts, options, rows, masks, textIndex }) => {
  const batch = encodeBatch(numbers, texts, options as Parameters<typeof encodeBatch>[2]);
  expect(rowsOf(batch.inputs, batch.shape)).toEqual(rows);
  expect(rowsOf(batch.attentionMask, batch.shape)).toEqual(masks);
  expect([...batch.textIndex]).toEqual(textIndex);
});

test("without options: as the longest, filled up with the tokenizer's own id", () => {
  const { inputs, shape } = encodeBatch(numbers, ["1 2 3", "", "4"]);
  expect([...inputs]).toEqual([1, 2, 3, 100, 100, 100, 4, 100, 100]);
  expect(shape).toEqual([3, 3]);
});

test("no texts are no rows", () => {
  expect(encodeBatch(numbers, []).shape).toEqual([0, 0]);
});

test("a hundred thousand short texts, and a very long one", () => {
  const long = "7 ".repeat(300_000);
  const { shape, inputs } = encodeBatch(numbers, [long], { addSpecialTokens: true });
  expect([shape, inputs[0], inputs.at(-1)]).toEqual([[1, 300_002], 101, 102]);
  expect(encodeBatch(numbers, new Array(200_000).fill("7")).shape).toEqual([200_000, 1]);
});

describe("wrong options are named", () => {
  test.each([
    ["maxLength", { maxLength: 0 }],
    ["maxLength", { maxLength: 2.5 }],
    ["maxLength", { maxLength: 1, addSpecialTokens: true }],
    ["maxLength", { padding: "maxLength" }],
    ["maxLength", { stride: 2 }],
    ["stride", { maxLength: 4, stride: 4 }],
    ["stride", { maxLength: 4, stride: 2, addSpecialTokens: true }],
    ["stride", { maxLength: 4, stride: -1 }],
    ["padToMultipleOf", { padToMultipleOf: 0 }],
    ["padId", { padId: -1 }],
  ] as const)("%s in %j", (option, options) => {
    const encode = (): unknown => encodeBatch(numbers, ["1 2 3 4 5"], options);
    expect(encode).toThrow(InvalidBatchOptionError);
    expect(encode).toThrow(expect.objectContaining({ option }));
  });

  test("padId, where no token is known to fill up", () => {
    expect(() => encodeBatch({ ...numbers, specialTokens: new Map() }, ["1"])).toThrow("padId is undefined");
  });
});
