import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hasData, loadPublished } from "./fixtures/published.ts";
import expected from "./fixtures/random-texts.json" with { type: "json" };
import { randomTexts } from "./fixtures/random-texts.ts";

const hashes: [string, { ids: string; decoded?: string }][] = Object.entries(expected);

describe.skipIf(!hasData)("random texts from all of Unicode, as the references", { timeout: 120_000 }, () => {
  test.each(hashes)("%s", async (name, { ids, decoded }) => {
    const tokenizer = await loadPublished(name);
    const [hashOfIds, hashOfTexts] = [createHash("sha256"), createHash("sha256")];
    for (const text of randomTexts(20_000)) {
      const found = tokenizer.encode(text);
      hashOfIds.update(new Uint8Array(Uint32Array.of(...found, 0xffffffff).buffer));
      if (decoded !== undefined) hashOfTexts.update(tokenizer.decode(found)).update(Uint8Array.of(0xff));
    }
    expect(hashOfIds.digest("hex")).toBe(ids);
    if (decoded !== undefined) expect(hashOfTexts.digest("hex")).toBe(decoded);
  });
});

test.skipIf(!hasData)("characters that stay with those beside them, or do not", async () => {
  const tokenizer = await loadPublished("t5-small/tokenizer.json");
  // ids of tokenizers 0.23.3
  expect([...tokenizer.encode("½\u102c1")]).toEqual([209, 2, 357, 2, 536]);
  expect([...tokenizer.encode("\u0600E\u0301")]).toEqual([3, 2, 427, 2]);
  expect([...tokenizer.encode("\u0891u\u0301")]).toEqual([3, 2, 76, 2]);
});
