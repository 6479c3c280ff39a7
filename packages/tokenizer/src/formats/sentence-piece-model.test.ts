import { describe, expect, test } from "vitest";
import { decodeStream } from "../decode-stream.ts";
import { MalformedTokenizerError } from "../errors.ts";
import cases from "../fixtures/sentence-piece.json" with { type: "json" };
import { decodeBase64 } from "./base64.ts";
import { tokenizerFromSentencePiece } from "./sentence-piece-model.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";
import { tokenizerToJson } from "./write-tokenizer-json.ts";

type Case = readonly [text: string, ids: number[], decoded: string, others: number[], decodedOthers: string];

describe.each(cases)("as SentencePiece: $name", ({ model, texts }) => {
  const tokenizer = tokenizerFromSentencePiece(decodeBase64(model, "model"));
  const all = texts as unknown as readonly Case[];

  test("encodes", () => {
    for (const [text, ids] of all) {
      expect([...tokenizer.encode(text)], text).toEqual(ids);
      expect([...tokenizer.encodeWithOffsets(text).ids], text).toEqual(ids);
    }
  });

  test("decodes, at once and in a stream", () => {
    for (const [, ids, decoded, others, decodedOthers] of all) {
      expect(tokenizer.decode(ids)).toBe(decoded);
      expect(tokenizer.decode(others)).toBe(decodedOthers);
      const stream = decodeStream(tokenizer);
      expect(others.map((id) => stream.push(id)).join("") + stream.end()).toBe(decodedOthers);
    }
  });
});

test("many spaces in a row are streamed, though the decoder drops those where a text begins", () => {
  const withSpace = cases.find(({ name }) =>
    name.startsWith("unigram, removes spaces, adds a space"),
  ) as (typeof cases)[0];
  const tokenizer = tokenizerFromSentencePiece(decodeBase64(withSpace.model, "model"));
  const space = tokenizer.tokenId("▁") as number;
  const [letter] = tokenizer.encode("w").slice(-1) as Uint32Array;
  for (const before of [[], [letter as number]]) {
    const ids = [...before, ...new Array<number>(40).fill(space), letter as number, space];
    const stream = decodeStream(tokenizer);
    expect(ids.map((id) => stream.push(id)).join("") + stream.end()).toBe(tokenizer.decode(ids));
  }
});

test("a saved tokenizer.json has user-defined pieces as added tokens, and none of SentencePiece's own rules", () => {
  const { model } = cases.find(({ name }) => name.includes("<sep>")) as (typeof cases)[0];
  const json = tokenizerToJson(tokenizerFromSentencePiece(decodeBase64(model, "model")));
  expect(json).not.toContain("sentence_piece");
  const saved = tokenizerFromJson(json);
  const id = saved.tokenId("<sep>");
  expect([...saved.encode("low<sep>low")].filter((each) => each === id)).toHaveLength(1);
});

test("cut short anywhere, between two pieces too, a model is refused or complete", () => {
  const bytes = decodeBase64((cases[0] as (typeof cases)[0]).model, "model");
  const { definition } = tokenizerFromSentencePiece(bytes);
  for (let end = 0; end < bytes.length; end++) {
    let loaded: unknown = definition;
    try {
      loaded = tokenizerFromSentencePiece(bytes.subarray(0, end)).definition;
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedTokenizerError);
    }
    expect(loaded).toEqual(definition);
  }
});
