import { expect, test } from "vitest";
import { tokenizerFromJson } from "./formats/tokenizer-json.ts";
import type { Tokenizer } from "./tokenizer.ts";

const wordPiece = { type: "WordPiece", unk_token: "<unk>", vocab: { "<unk>": 0, "<s>": 1, low: 2 } };
const bytePair = { type: "BPE", vocab: { "<unk>": 0, "<s>": 1, l: 2 }, merges: [] };
const byteLevel = { pre_tokenizer: { type: "ByteLevel" }, decoder: { type: "ByteLevel" } };

function read(model: object, ids: readonly number[], others: object = {}): Tokenizer {
  const added_tokens = ids.map((id) => ({ id, content: "<s>", special: true }));
  return tokenizerFromJson(JSON.stringify({ model, added_tokens, ...others }));
}

test("an added token has one id", () => {
  expect(read(wordPiece, [1, 1]).tokenId("<s>")).toBe(1);
  expect(() => read(wordPiece, [5])).toThrow('token "<s>": it has two ids, 1 and 5.');
  expect(() => read(wordPiece, [1, 5])).toThrow('token "<s>": it has two ids');
  expect(() => read(bytePair, [5], byteLevel)).toThrow('token "<s>": it has two ids, 1 and 5.');
});

test.each([2 ** 32 + 5, 999])("a template adds only ids that are tokens, not %d", (id) => {
  const single = [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }];
  const template = { type: "TemplateProcessing", single, pair: single, special_tokens: { "<s>": { ids: [id] } } };
  const message = `post_processor: it adds the id ${id}, which no token has.`;
  expect(() => read(wordPiece, [1], { post_processor: template })).toThrow(message);
  expect(() =>
    read(wordPiece, [1], { post_processor: { type: "BertProcessing", cls: ["<s>", id], sep: ["<s>", 1] } }),
  ).toThrow(message);
});

test("of Unigram tokens that are spelled alike, each is decoded", () => {
  const vocab = ["<unk>", "a", "b", "a"].map((token, id) => [token, -id]);
  const tokenizer = read({ type: "Unigram", unk_id: 0, vocab }, []);
  expect([...tokenizer.encode("ab")]).toEqual([3, 2]);
  expect(tokenizer.decode([1, 2, 3])).toBe("a b a");
  expect(tokenizer.token(1)).toBe("a");
});
