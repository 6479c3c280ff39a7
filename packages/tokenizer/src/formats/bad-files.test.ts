import fc from "fast-check";
import { describe, expect, test } from "vitest";
import parts from "../fixtures/parts.json" with { type: "json" };
import { tokenizerFromSentencePiece } from "./sentence-piece-model.ts";
import { tokenizerFromFile } from "./tokenizer-file.ts";
import { tokenizerFromJson } from "./tokenizer-json.ts";

const models: Record<string, unknown> = parts.models;
const own = /^(Malformed|Unsupported|InvalidPattern|PieceTooLong|UnknownByte)/;

function expectOwnError(use: () => unknown): void {
  try {
    use();
  } catch (error) {
    expect((error as Error).name, String((error as Error).stack)).toMatch(own);
  }
}

/** The bytes of a small SentencePiece model: pieces, then the model's type, then what the normalizer does. */
function sentencePieceModel(type: number, pieces: readonly (readonly [string, number, number])[]): number[] {
  const message = (field: number, body: readonly number[]): number[] => [field * 8 + 2, body.length, ...body];
  const float = (value: number): number[] => [...new Uint8Array(Float32Array.of(value).buffer)];
  return [
    ...pieces.flatMap(([text, score, kind]) =>
      message(1, [...message(1, [...new TextEncoder().encode(text)]), 2 * 8 + 5, ...float(score), 3 * 8, kind]),
    ),
    ...message(2, [3 * 8, type]),
    ...message(3, [3 * 8, 1, 4 * 8, 1]),
  ];
}

const pieces = [
  ["<unk>", 0, 2],
  ["<s>", 0, 3],
  ["▁", -4, 1],
  ["a", -3, 1],
  ["b", -3.5, 1],
  ["ab", -2, 1],
  ["▁ab", -1, 1],
  ["[user]", 0, 4],
] as const;

describe("a SentencePiece model", () => {
  test.each([
    ["Unigram", 1],
    ["BPE", 2],
  ])("%s: spaces, unknown and user-defined pieces", (_, type) => {
    const tokenizer = tokenizerFromSentencePiece(Uint8Array.from(sentencePieceModel(type, pieces)));
    expect([...tokenizer.encode("  ab  ab[user]bxy ")].map((id) => tokenizer.token(id))).toEqual([
      "▁ab",
      "▁ab",
      "[user]",
      "b",
      "<unk>",
    ]);
    expect(tokenizer.decode(tokenizer.encode("ab ab"))).toBe("ab ab");
  });

  test.each([
    [[], "it has no pieces"],
    [[10, 255, 255, 255, 255, 255, 255, 127, 1], "bytes should follow"],
    [[10, 255], "it ends within a number"],
    [Array(12).fill(255), "is too long"],
    [[8 + 3], "wire type 3"],
    [[10, 3, 10, 1, 255], "pieces[0], field 1: it is not UTF-8"],
    [[10, 0], "pieces[0]: it is empty"],
    [sentencePieceModel(1, pieces.slice(1)), "none is the unknown one"],
    [sentencePieceModel(3, pieces), "model type 3"],
    [sentencePieceModel(2, [...pieces, ["x", -9, 5]]), "unused piece"],
    [sentencePieceModel(1, [pieces[0], ["a", Number.NaN, 1]]), "score is not a number"],
  ])("%#: %s", (bytes, message) => {
    expect(() => tokenizerFromSentencePiece(Uint8Array.from(bytes as number[]))).toThrow(message);
  });

  test("cut short, or with bytes changed, gives an error of ours or a tokenizer", () => {
    for (const type of [1, 2]) {
      const bytes = sentencePieceModel(type, pieces);
      fc.assert(
        fc.property(fc.nat(bytes.length), fc.nat(bytes.length - 1), fc.nat(255), (length, place, byte) => {
          const changed = Uint8Array.from(bytes).slice(0, Math.max(length, bytes.length >> 1));
          changed[place] = byte;
          expectOwnError(() => tokenizerFromFile(changed).encode("ab a[user] <s> \u0000xyz"));
        }),
        { numRuns: 500 },
      );
    }
  });
});

test("a tokenizer.json with parts replaced gives an error of ours or a tokenizer", () => {
  for (const { definition } of parts.tokenizers) {
    const text = JSON.stringify({ ...definition, model: models[definition.model] });
    const paths = [...walk(JSON.parse(text), [])].slice(1);
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue({ maxDepth: 2 }), (path, replacement) => {
        const file = JSON.parse(text);
        const owner = path.slice(0, -1).reduce((value, key) => value[key], file);
        owner[path.at(-1) as string] = replacement;
        expectOwnError(() => {
          const tokenizer = tokenizerFromJson(JSON.stringify(file));
          tokenizer.decode(
            tokenizer.encode("The cat é ﬁ 中 <mask> 12", { addSpecialTokens: true, allowedSpecial: "all" }),
          );
        });
      }),
      { numRuns: 20 },
    );
  }
});

function* walk(value: unknown, path: string[]): Generator<string[]> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value).slice(0, 12)) yield* walk(inner, [...path, key]);
}

test.each(["a", "é", "\u0301", " ", "中", "a\u0300\u0316", "▁", "ab"])(
  "a long run of %j takes no long time",
  (unit) => {
    for (const { definition } of parts.tokenizers.filter(({ name }) => !name.startsWith("split"))) {
      const tokenizer = tokenizerFromJson(JSON.stringify({ ...definition, model: models[definition.model] }));
      const start = performance.now();
      tokenizer.encode(unit.repeat(50_000));
      expect(performance.now() - start).toBeLessThan(2_000);
    }
  },
);

test("a charsmap that points outside is named", () => {
  const { definition } = parts.tokenizers.find(({ name }) => name === "t5") as (typeof parts.tokenizers)[number];
  const charsmap = (bytes: readonly number[]): string =>
    JSON.stringify({
      ...definition,
      model: models[definition.model],
      normalizer: { type: "Precompiled", precompiled_charsmap: btoa(String.fromCharCode(...bytes)) },
    });
  for (const bytes of [[], [4, 0, 0], [9, 0, 0, 0, 1], [8, 0, 0, 0, 1, 2, 3, 4], [4, 0, 0, 0, 255, 255, 255, 255]]) {
    expect(() => tokenizerFromJson(charsmap(bytes)).encode("é")).toThrow(/normalizer.precompiled_charsmap/);
  }
});
