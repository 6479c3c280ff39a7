import { inflateRawSync } from "node:zlib";
import { tidy } from "@tensorflow/tfjs";
import { parameters } from "@tessera-lm/layers";
import { expect, test } from "vitest";
import { createDecoder } from "../decoder/decoder.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { ArgumentError } from "../errors.ts";
import { inspect } from "./inspect.ts";
import { inspectPage, type TextCodec } from "./inspect-page.ts";

const words = ["</script>", "<!--", "a", " b", "\n", "\u2028", "&amp;", '"'];
const tokenizer: TextCodec = {
  encode: (text) => [...text].map(Number),
  decode: (ids) => [...ids].map((id) => words[id]).join(""),
};
const sizes = { vocabSize: words.length, contextLength: 16, numLayers: 2, numHeads: 2, width: 8 };
const model = createDecoder(sizes, 1);

interface Data {
  tokens: number[];
  expected: ({ p: number; top: [number, number][] } | null)[];
  attention: { path: string; heads: number; weights: string }[];
  lens: object[][];
  neighbors: [number, [number, number][]][];
  names: [number, string][];
}

function dataOf(page: string): Data {
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) ?? [];
  return JSON.parse(json as string) as Data;
}

test("nothing that a text or a title holds becomes a part of the page", async () => {
  const page = await inspectPage(model, tokenizer, "01234567", { title: "<b>&\"'</b>" });
  expect(page.match(/<\/script>/g)).toHaveLength(2);
  expect(page).not.toContain("<!--");
  expect(page).not.toContain("<b>");
  expect(page).not.toMatch(/(src|href)=|https?:/); // nothing beside itself
  const { tokens, names } = dataOf(page);
  expect(tokens.map((place) => names[place])).toEqual(words.map((word, id) => [id, word]));
});

test("a page holds what the model makes of the text", async () => {
  const { expected, attention, lens, neighbors } = dataOf(await inspectPage(model, tokenizer, "232", {}));
  expect(expected.map((each) => each === null)).toEqual([true, false, false]);
  expect(lens.map((row) => row.length)).toEqual([3, 3, 3]);
  expect(neighbors).toHaveLength(2);
  expect(attention.map(({ path, heads }) => [path, heads])).toEqual([
    ["blocks.0.attention", 2],
    ["blocks.1.attention", 2],
  ]);
  for (const { weights } of attention) {
    const bytes = inflateRawSync(Buffer.from(weights, "base64"));
    expect(bytes).toHaveLength(2 * 3 * 3);
    expect([bytes[0], bytes[1], bytes[2], bytes[5]]).toEqual([255, 0, 0, 0]);
    for (const row of [0, 3, 6]) expect(Math.max(...bytes.subarray(row, row + 3))).toBe(255);
  }
});

test("the weights of a long row are in the page to within 0.5 % of the largest", async () => {
  const text = "234".repeat(5);
  const model = createDecoder(sizes, 1);
  tidy(() => {
    // Fresh weights look everywhere alike.
    for (const each of parameters(model).values()) if (each.rank === 2) each.assign(each.mul(30));
  });
  const { attention } = await inspect(model, tokenizer.encode(text, { addSpecialTokens: false }));
  const page = dataOf(await inspectPage(model, tokenizer, text, {}));
  const bytes = inflateRawSync(Buffer.from(page.attention[1]?.weights as string, "base64"));
  expect(Math.min(...bytes.subarray(14 * 15, 15 * 15))).toBeLessThan(100);
  const own = [...bytes.subarray(14 * 15, 15 * 15)].map((byte) => byte ** 2);
  const total = own.reduce((sum, each) => sum + each, 0);
  const expected = [...(attention[1]?.weights as Float32Array).subarray(14 * 15, 15 * 15)];
  own.forEach((each, i) => {
    expect(Math.abs(each / total - (expected[i] as number))).toBeLessThan(0.005 * Math.max(...expected));
  });
});

test("a page begins with the token that the model expects there; blanks have their text", async () => {
  const texts = ["<s>", "a", " ", " b"];
  const begun: TextCodec = {
    encode: (_, { addSpecialTokens }) => (addSpecialTokens ? [0, 2, 1, 3] : [2, 1, 3]),
    decode: (ids) =>
      [...ids]
        .map((id) => texts[id])
        .join("")
        .replace(/^ +/, ""), // as SentencePiece's
  };
  const { tokens, names } = dataOf(await inspectPage(model, begun, "  a b", {}));
  expect(tokens.map((place) => names[place]?.[1])).toEqual(["<s>", " ", "a", " b"]);
});

test("an encoder's page has no token that comes next", async () => {
  const page = await inspectPage(createEncoder(sizes, 1), tokenizer, "23", { maskToken: 0 });
  expect(dataOf(page)).toMatchObject({ causal: false, next: null, expected: [{ rank: expect.any(Number) }, {}] });
});

test("the page's program is JavaScript", async () => {
  const page = await inspectPage(model, tokenizer, "2");
  const program = page.slice(page.lastIndexOf("<script>") + 8, page.lastIndexOf("</script>"));
  expect(() => new Function(program)).not.toThrow();
});

test("what is no model, or are no options, is refused", async () => {
  for (const wrong of [undefined, null] as never[]) {
    await expect(inspectPage(wrong, tokenizer, "2")).rejects.toThrow(ArgumentError);
    await expect(inspect(wrong, [2])).rejects.toThrow(ArgumentError);
  }
  await expect(inspectPage(model, tokenizer, "2", null as never)).rejects.toThrow(ArgumentError);
  await expect(inspect(model, [2], null as never)).rejects.toThrow(ArgumentError);
  await expect(inspect(model, "2" as never)).rejects.toThrow('inspect: the text is "2"; it must be a list of tokens');
});
