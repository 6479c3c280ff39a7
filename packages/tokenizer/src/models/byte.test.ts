import fc from "fast-check";
import { expect, test } from "vitest";
import { tokenizerFromJson } from "../formats/tokenizer-json.ts";
import { tokenizerToJson } from "../formats/write-tokenizer-json.ts";
import { byteTokenizer } from "./byte.ts";

const utf8 = new TextEncoder();

test("ids are the bytes of UTF-8", () => {
  const tokenizer = byteTokenizer();
  expect(tokenizer.vocabSize).toBe(256);
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(text, (text) => {
      const ids = tokenizer.encode(text);
      expect([...ids]).toEqual([...utf8.encode(text)]);
      expect(tokenizer.decode(ids)).toBe(text);
    }),
  );
});

test("special tokens come after the bytes", () => {
  const tokenizer = byteTokenizer(["<bos>", "<eos>"]);
  expect(tokenizer.vocabSize).toBe(258);
  expect([...tokenizer.encode("<bos>a<eos>", { allowedSpecial: "all" })]).toEqual([256, 97, 257]);
  expect([...tokenizer.encode("<eos>").slice(0, 2)]).toEqual([60, 101]);
});

test("what is saved is the same tokenizer", () => {
  const tokenizer = byteTokenizer(["<eos>"]);
  const loaded = tokenizerFromJson(tokenizerToJson(tokenizer));
  expect([...loaded.encode("h\u00e9 \u{1f642}<eos>", { allowedSpecial: "all" })]).toEqual([
    104, 195, 169, 32, 240, 159, 153, 130, 256,
  ]);
});

test("a million bytes are encoded in linear time", () => {
  expect(byteTokenizer().encode("\u00e9x ".repeat(250_000)).length).toBe(1_000_000);
});
