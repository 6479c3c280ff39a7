import { describe, expect, test } from "vitest";
import { encodeBatch } from "./encode-batch.ts";
import { InvalidArgumentError } from "./errors.ts";
import cases from "./fixtures/batches.json" with { type: "json" };
import { characterTokenizer } from "./models/character.ts";
import { type PipelineDefinition, PipelineTokenizer } from "./pipeline.ts";

/** Texts of numbers, which are the ids; `101 … 102` around them. */
const vocab = Object.fromEntries(
  [...Array.from({ length: 100 }, (_, id) => String(id)), "[PAD]", "[CLS]", "[SEP]"].map((token, id) => [token, id]),
);
const definition: PipelineDefinition = {
  added_tokens: ["[PAD]", "[CLS]", "[SEP]"].map((content) => ({ id: vocab[content], content, special: true })),
  pre_tokenizer: { type: "WhitespaceSplit" },
  model: { type: "WordPiece", vocab, unk_token: "0" },
  post_processor: { type: "BertProcessing", cls: ["[CLS]", 101], sep: ["[SEP]", 102] },
};
const numbers = new PipelineTokenizer(definition);

const rowsOf = (values: Int32Array, [batch, time]: readonly [number, number]): number[][] =>
  Array.from({ length: batch }, (_, row) => [...values.subarray(row * time, (row + 1) * time)]);

test.each(cases)("Hugging Face's rows for $options", ({ texts, options, rows, types, masks, textIndex }) => {
  type Arguments = Parameters<typeof encodeBatch>;
  const batch = encodeBatch(numbers, texts as Arguments[1], options as Arguments[2]);
  expect(rowsOf(batch.typeIds, batch.shape)).toEqual(types);
  expect(rowsOf(batch.inputs, batch.shape)).toEqual(rows);
  expect(rowsOf(batch.attentionMask, batch.shape)).toEqual(masks);
  expect([...batch.textIndex]).toEqual(textIndex);
});

test("without options: as the longest, filled up with the tokenizer's own id", () => {
  const { inputs, shape } = encodeBatch(numbers, ["1 2 3", "", "4"]);
  expect([...inputs]).toEqual([1, 2, 3, 100, 100, 100, 4, 100, 100]);
  expect(shape).toEqual([3, 3]);
});

test.each([true, false])("segments are the template's, with its tokens or without: %s", (addSpecialTokens) => {
  const place = (id: string) => ({ Sequence: { id, type_id: 0 } });
  const oneSegment = new PipelineTokenizer({
    ...definition,
    post_processor: { type: "TemplateProcessing", single: [place("A")], pair: [place("A"), place("B")] },
  });
  expect([...encodeBatch(oneSegment, [["1 2", "3"]], { addSpecialTokens }).typeIds]).toEqual([0, 0, 0]);
  expect([...encodeBatch(numbers, [["1 2", "3"]], { addSpecialTokens: false }).typeIds]).toEqual([0, 0, 1]);
});

test("a stride asks for nothing where all fits", () => {
  const options = { maxLength: 3, stride: 2 };
  expect([...encodeBatch(numbers, [["1 2", "3"]], options).inputs]).toEqual([1, 2, 3]);
  expect(() => encodeBatch(numbers, [["1 2", "3 4"]], options)).toThrow("less than 1, what maxLength leaves");
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
    ["padId", { padId: 2 ** 31 + 5, padToMultipleOf: 8 }],
    ["padId", { padId: 103, padToMultipleOf: 8 }],
  ] as const)("%s in %j", (option, options) => {
    const encode = (): unknown => encodeBatch(numbers, ["1 2 3 4 5"], options);
    expect(encode).toThrow(InvalidArgumentError);
    expect(encode).toThrow(expect.objectContaining({ argument: option }));
  });

  test("padId, where no token is known to fill up", () => {
    expect(() => encodeBatch(characterTokenizer("ab"), ["a", "ab"])).toThrow("padId is undefined");
  });
});

test("no id to fill up is needed where all rows are as long", () => {
  expect([...encodeBatch(characterTokenizer("ab"), ["ab", "ba"]).inputs]).toEqual([0, 1, 1, 0]);
});

test("rows are what `encode` gives, also for texts of the tokens that come around them", () => {
  const texts = ["[CLS]", "[SEP]", "[CLS] [SEP]", "", "5", "[CLS] [CLS]"];
  const options = { allowedSpecial: "all", addSpecialTokens: true } as const;
  const post_processor = {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "[CLS]" } }, { Sequence: { id: "A" } }],
    pair: [],
    special_tokens: { "[CLS]": { ids: [101] } },
  };
  for (const tokenizer of [numbers, new PipelineTokenizer({ ...definition, post_processor })]) {
    const { inputs, attentionMask, shape } = encodeBatch(tokenizer, texts, options);
    const masks = rowsOf(attentionMask, shape);
    const rows = rowsOf(inputs, shape).map((row, index) => row.filter((_, i) => masks[index]?.[i] === 1));
    expect(rows).toEqual(texts.map((text) => [...tokenizer.encode(text, options)]));
  }
});
