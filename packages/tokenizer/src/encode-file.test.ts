import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeFile } from "./encode-file.ts";
import { UnsupportedTokenizerError } from "./errors.ts";
import { findBorders } from "./files/borders.ts";
import { encodePart } from "./files/encode-part.ts";
import { EncodeFileError } from "./files/errors.ts";
import { fileParts } from "./files/file-parts.ts";
import { data, hasData } from "./fixtures/published.ts";
import { smallText } from "./fixtures/small-text.ts";
import { tokenizerFromFile } from "./formats/tokenizer-file.ts";
import { tokenizerFromJson } from "./formats/tokenizer-json.ts";
import { describeTokenizer, tokenizerToJson } from "./formats/write-tokenizer-json.ts";
import { characterTokenizer } from "./models/character.ts";
import { splitPatterns } from "./split/split-patterns.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { trainBytePair } from "./train/train-bpe.ts";

const folder = mkdtempSync(join(tmpdir(), "tessera-encode-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, "text.txt");
  writeFileSync(path, content);
  return path;
}

/** Trained on text without a pattern too, where tokens may hold spaces. */
const specialTokens = ["<|end of text|>", "<|x|>"];
const trained = (pattern: string | null): Tokenizer =>
  trainBytePair([smallText], { vocabSize: 500, specialTokens, ...(pattern === null ? {} : { pattern }) });
const tokenizers = Object.entries(splitPatterns).map(([name, pattern]) => [name, trained(pattern)] as const);
const gpt2 = trained(splitPatterns.gpt2);

async function encodedInParts(tokenizer: Tokenizer, content: string | Uint8Array, partSize: number): Promise<number[]> {
  const borders = findBorders(tokenizer, describeTokenizer(tokenizer));
  const ids: number[] = [];
  for await (const part of fileParts(file(content), borders, partSize)) {
    const encoded = encodePart(tokenizer, part, { allowedSpecial: tokenizer.specialTokens.size > 0 ? "all" : [] });
    if ("problem" in encoded) throw new Error(encoded.problem);
    ids.push(...encoded.ids);
  }
  return ids;
}

async function all(parts: AsyncIterable<Uint32Array>): Promise<number[]> {
  const ids: number[] = [];
  for await (const part of parts) for (const id of part) ids.push(id);
  return ids;
}

describe("parts have the ids of the whole", () => {
  const words = [
    "a",
    "Zürich",
    "了",
    "。",
    "हिंदी",
    "e\u0301",
    "'s",
    "'",
    "12345",
    "!",
    "--",
    "/",
    "🙂",
    "\u00a0",
    "\u3000",
    "\ufeff",
  ];
  const pieces = fc.constantFrom(
    ...words,
    " ",
    " ",
    "\n",
    "\n",
    "\r\n",
    "  ",
    "\t",
    "<|x|>",
    "<|end of text|>",
    "<|end",
  );
  const text = fc.array(pieces, { maxLength: 60, size: "max" }).map((parts) => parts.join(""));

  test.each([...tokenizers, ["characters", characterTokenizer(words.join("") + " \n\r\t<|>xendoft")] as const])(
    "%s",
    async (_, tokenizer) => {
      const property = fc.asyncProperty(text, fc.integer({ min: 1, max: 40 }), async (drawn, partSize) => {
        const whole = tokenizer.encode(drawn, { allowedSpecial: tokenizer.specialTokens.size > 0 ? "all" : [] });
        expect(await encodedInParts(tokenizer, drawn, partSize)).toEqual([...whole]);
      });
      await fc.assert(property, { numRuns: 150 });
    },
  );

  test("bytes that are not UTF-8", async () => {
    const bytes = fc.array(fc.constantFrom(0x20, 0x20, 0x0a, 0x41, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xff), {
      maxLength: 50,
      size: "max",
    });
    const property = fc.asyncProperty(bytes, fc.integer({ min: 1, max: 9 }), async (drawn, partSize) => {
      const content = Uint8Array.from(drawn);
      const whole = gpt2.encode(new TextDecoder("utf-8", { ignoreBOM: true }).decode(content));
      expect(await encodedInParts(gpt2, content, partSize)).toEqual([...whole]);
    });
    await fc.assert(property, { numRuns: 150 });
  });

  test("and there are many of them", async () => {
    const content = "Some words, and a line.\nSome more words. ".repeat(100);
    let count = 0;
    for await (const { bytes, offset, anchor } of fileParts(
      file(content),
      findBorders(gpt2, describeTokenizer(gpt2)),
      100,
    )) {
      expect(Buffer.from(bytes).toString()).toBe(content.slice(offset, offset + bytes.length));
      expect([0, 1, 2]).toContain(anchor);
      expect(bytes.length).toBeLessThan(200);
      count++;
    }
    expect(count).toBeGreaterThan(40);
  });
});

describe.skipIf(!hasData)("real texts and vocabularies", { timeout: 60_000 }, () => {
  const read = (path: string): string => readFileSync(new URL(path, data), "utf8");
  const languages = ["deu_Latn", "hin_Deva", "zho_Hans", "tha_Thai", "arb_Arab", "kor_Hang", "vie_Latn"];
  let text = "";
  beforeAll(() => {
    const texts = languages.map((name) => read(`langid/flores200/${name}.txt`).slice(0, 8000));
    text = `${texts.join("\n")}${read("corpus/tinyshakespeare.txt").slice(0, 20_000)}`;
  });

  test.each(["gpt2", "llama2", "t5-small"])("%s", async (name) => {
    const tokenizer = tokenizerFromJson(read(`tokenizers/${name}/tokenizer.json`));
    const borders = findBorders(tokenizer, describeTokenizer(tokenizer));
    expect(borders).toMatchObject({ beforeSpace: true });
    expect(await encodedInParts(tokenizer, text, 100)).toEqual([...tokenizer.encode(text, { allowedSpecial: "all" })]);
  });

  // SentencePiece's own rules: ways to merge to the same piece are equals, sums have 32 bits, the longest key counts.
  const rare = "caaaaaat xxxxxxxx ﭘ‴ a\u0301\u0323 e\u0323\u0302  y ";
  test.each([
    ["llama2/tokenizer", true],
    ["stories260K/tok512", true],
    ["t5-small/spiece", false], // rounded sums depend on all that stands before
  ])("%s.model", async (name, beforeSpace) => {
    const tokenizer = tokenizerFromFile(readFileSync(new URL(`tokenizers/${name}.model`, data)));
    expect(findBorders(tokenizer, describeTokenizer(tokenizer))).toMatchObject({ beforeSpace });
    const whole = [...tokenizer.encode(rare + text, { allowedSpecial: "all" })];
    expect(await encodedInParts(tokenizer, rare + text, 100)).toEqual(whole);
    const again = tokenizerFromJson(JSON.stringify(describeTokenizer(tokenizer))); // as workers get it
    expect([...again.encode(rare + text, { allowedSpecial: "all" })]).toEqual(whole);
    expect(again.encode("ﭘ‴ ".repeat(9))).toEqual(tokenizer.encode("ﭘ‴ ".repeat(9)));
    expect(tokenizerToJson(tokenizer)).not.toContain('"sentence_piece"');
    for (const workers of [0, 1])
      expect(await all(encodeFile(file(rare), tokenizer, { workers }))).toEqual([...tokenizer.encode(rare)]);
  });
});

describe("no border is seen where there may be none", () => {
  const bordersOf = (changes: object): unknown => {
    const file = { ...describeTokenizer(gpt2), ...changes };
    const { beforeSpace, afterLineFeed } = findBorders(gpt2, file);
    return [beforeSpace, afterLineFeed];
  };
  const split = (pattern: object): object => ({ pre_tokenizer: { type: "Split", pattern, behavior: "Isolated" } });

  test.each([
    ["an unknown pattern", split({ Regex: "\\w+ \\w+" }), [false, false]],
    ["a known pattern", split({ Regex: splitPatterns.o200k }), [true, true]],
    [
      "an unknown normaliser",
      { normalizer: { type: "Replace", pattern: { String: "e f" }, content: "x" } },
      [false, false],
    ],
    [
      "a known normaliser",
      { normalizer: { type: "Sequence", normalizers: [{ type: "NFC" }, { type: "Lowercase" }] } },
      [true, true],
    ],
    ["another way to cut", { pre_tokenizer: { type: "Digits", individual_digits: true } }, [false, false]],
  ])("%s", (_, changes, borders) => {
    expect(bordersOf(changes)).toEqual(borders);
  });

  test("where nothing cuts, tokens with spaces inside", () => {
    const file = { pre_tokenizer: null };
    expect(findBorders(characterTokenizer("a \n▁Ġ"), file)).toMatchObject({ beforeSpace: true, afterLineFeed: true });
    const tokens = trainBytePair(["to be\nto be\n"], { vocabSize: 262, pattern: "[^]+" });
    expect(findBorders(tokens, file)).toMatchObject({ beforeSpace: false, afterLineFeed: false });
  });

  test("without a pattern, tokens may hold spaces: the file is one part", async () => {
    const text = "to be or not to be ".repeat(50);
    const tokenizer = trainBytePair([text], { vocabSize: 300, pattern: "[^]+" });
    expect(await encodedInParts(tokenizer, text, 20)).toEqual([...tokenizer.encode(text)]);
  });
});

describe("encodeFile", { timeout: 60_000 }, () => {
  const text = smallText.repeat(Math.ceil(3.5e6 / smallText.length));

  test.each([0, 1, 2, 1_000_000, undefined])("with %s workers: the ids of the text", async (workers) => {
    const ids = await all(encodeFile(file(text), gpt2, workers === undefined ? {} : { workers }));
    expect(Buffer.from(Uint32Array.from(ids).buffer).equals(Buffer.from(gpt2.encode(text).buffer))).toBe(true);
  });

  test("an empty file has no ids", async () => {
    expect(await all(encodeFile(file(""), gpt2, { workers: 1 }))).toEqual([]);
  });

  test("special tokens may be allowed", async () => {
    const ids = await all(
      encodeFile(file("a<|x|>"), gpt2, { workers: 1, allowedSpecial: new Set(["<|x|>"]).values() }),
    );
    expect(ids.at(-1)).toBe(gpt2.specialTokens.get("<|x|>"));
  });

  test.each([0, 1])("wrong bytes are named with %s workers", async (workers) => {
    const bytes = Buffer.from(`${"é ".repeat(400_000)}x`);
    bytes[1_100_001] = 0xff;
    const options = { workers, fatal: true };
    await expect(all(encodeFile(file(bytes), gpt2, options))).rejects.toThrow(EncodeFileError);
    await expect(all(encodeFile(file(bytes), gpt2, options))).rejects.toMatchObject({ offset: 1_100_001 });
    expect(await all(encodeFile(file(bytes), gpt2, { workers }))).not.toEqual([]);
  });

  test.each([0, 1])("what encode throws is told with %s workers", async (workers) => {
    const options = { workers, disallowedSpecial: "all" } as const;
    const message = "DisallowedSpecialTokenError: The text contains the special token";
    await expect(all(encodeFile(file("a <|x|>"), gpt2, options))).rejects.toThrow(message);
  });

  test("a file that is not there, and a folder", async () => {
    await expect(all(encodeFile(join(folder, "none"), gpt2))).rejects.toThrow(EncodeFileError);
    await expect(all(encodeFile(folder, gpt2, { workers: 1 }))).rejects.toThrow(EncodeFileError);
  });

  test.each([-1, Number.NaN, 1.5])("%s workers", async (workers) => {
    await expect(all(encodeFile(file("x"), gpt2, { workers }))).rejects.toThrow(EncodeFileError);
    await expect(all(encodeFile(file("x"), gpt2, { workers }))).rejects.toThrow(`workers is ${workers}`);
  });

  test("a tokenizer of another kind", async () => {
    const other = { ...gpt2, encode: gpt2.encode } as Tokenizer;
    await expect(all(encodeFile(file("x"), other))).rejects.toThrow(UnsupportedTokenizerError);
  });

  test.each([0, 2])("a signal ends it with %s workers", async (workers) => {
    const controller = new AbortController();
    let parts = 0;
    const run = async (): Promise<void> => {
      for await (const _ of encodeFile(file(text), gpt2, { workers, signal: controller.signal })) {
        parts++;
        controller.abort(new Error("enough"));
      }
    };
    await expect(run()).rejects.toThrow("enough");
    expect(parts).toBe(1);
  });

  test("who has read enough can leave, and begin again", async () => {
    for await (const ids of encodeFile(file(text), gpt2, { workers: 2 })) {
      expect(ids.length).toBeGreaterThan(0);
      break;
    }
    expect(await all(encodeFile(file("again"), gpt2, { workers: 1 }))).toEqual([...gpt2.encode("again")]);
  });
});
