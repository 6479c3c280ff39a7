import { expect, test } from "vitest";
import { tokenizerToJson } from "../formats/write-tokenizer-json.ts";
import { trainWordPiece } from "./train-wordpiece.ts";

const normalizerIn = (normalizer: { readonly type: string }): unknown =>
  JSON.parse(tokenizerToJson(trainWordPiece(["Ab abc"], { vocabSize: 20, normalizer }))).normalizer;

// Hugging Face's library does not open a file in which one of these is missing.
test("what a normalizer's options leave out is written all the same", () => {
  expect(normalizerIn({ type: "BertNormalizer", lowercase: false } as never)).toEqual({
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: false,
  });
  expect(normalizerIn({ type: "Sequence", normalizers: [{ type: "Strip" }, { type: "NFC" }] } as never)).toEqual({
    type: "Sequence",
    normalizers: [{ type: "Strip", strip_left: true, strip_right: true }, { type: "NFC" }],
  });
});
