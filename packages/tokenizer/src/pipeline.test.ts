import { describe, expect, test } from "vitest";
import parts from "./fixtures/parts.json" with { type: "json" };
import { tokenizerFromJson } from "./formats/tokenizer-json.ts";
import { tokenizerToJson } from "./formats/write-tokenizer-json.ts";
import { PipelineTokenizer } from "./pipeline.ts";

type Case = [ids: number[], spans: number[], special: number[], around: number[], decoded: string, skipped: string];

const models: Record<string, unknown> = parts.models;

describe.each(parts.tokenizers)(
  "does what Hugging Face's tokenizers do: $name",
  ({ name, definition, cases, pair }) => {
    const json = JSON.stringify({ ...definition, model: models[definition.model] });
    const tokenizer = tokenizerFromJson(json);
    const again = tokenizerFromJson(tokenizerToJson(tokenizer));
    const everything = { allowedSpecial: "all", addSpecialTokens: true } as const;

    const { unk_id: unknownId, unk_token: unknown } = models[definition.model] as {
      unk_id?: number;
      unk_token?: string;
    };
    const special = new Set(tokenizer.specialTokens.values());
    const isSmuggled = (id: number): boolean =>
      special.has(id) && id !== unknownId && id !== tokenizer.tokenId(unknown ?? "");

    test.each(parts.strings.map((text, index) => [text, index] as const))("%j", (text, index) => {
      const [ids, spans, special, around, decoded, skipped] = cases[index] as Case;
      // The reference makes special tokens of text that spells them, even where it is told not to.
      if (ids.some(isSmuggled)) expect([...tokenizer.encode(text)].some(isSmuggled)).toBe(false);
      else expect([...tokenizer.encode(text)]).toEqual(ids);
      expect([...tokenizer.encode(text, everything)]).toEqual(special);
      // Where characters are dropped, the reference loses count of places.
      if (tokenizer instanceof PipelineTokenizer && name !== "bpe without unknown") {
        if (!ids.some(isSmuggled)) expect([...tokenizer.encodeWithOffsets(text).offsets]).toEqual(spans);
        expect([...tokenizer.encodeWithOffsets(text, everything).offsets]).toEqual(around);
        expect([...tokenizer.encodeWithOffsets(text, everything).ids]).toEqual(special);
      }
      expect(tokenizer.decode(special)).toBe(decoded);
      expect(tokenizer.decode(special, { skipSpecialTokens: true })).toBe(skipped);
      expect([...again.encode(text, everything)]).toEqual(special);
    });

    test.runIf(tokenizer instanceof PipelineTokenizer)("a pair", () => {
      const { ids, typeIds } = (tokenizer as PipelineTokenizer).encodePair("the cat", "in a hat", everything);
      expect([[...ids], [...typeIds]]).toEqual(pair);
    });
  },
);
