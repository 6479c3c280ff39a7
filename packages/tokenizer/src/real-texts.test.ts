import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { data, hasData, loadPublished } from "./fixtures/published.ts";
import expected from "./fixtures/real-texts.json" with { type: "json" };

const folders = ["corpus", "langid", "html", "golden"] as const;

/** All texts of a folder, those in folders of it too, in the order of their paths, as make-real-texts.py reads them. */
function textsIn(folder: string): string[] {
  const paths = readdirSync(new URL(folder, data), { recursive: true, encoding: "utf8" });
  return paths
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => /\.(txt|html|json)$/.test(path))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((path) => readFileSync(fileURLToPath(new URL(`${folder}/${path}`, data)), "utf8").replaceAll("</s>", "</ s>"));
}

describe.skipIf(!hasData)("every text of the data folder, as the references", { timeout: 300_000 }, () => {
  test.each(Object.entries(expected))("%s", async (name, hashes) => {
    const tokenizer = await loadPublished(name);
    for (const folder of folders) {
      const hash = createHash("sha256");
      let count = 0;
      for (const text of textsIn(folder)) {
        const ids = tokenizer.encode(text);
        count += ids.length;
        hash
          .update(new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength))
          .update(Uint8Array.of(255, 255, 255, 255));
      }
      expect({ folder, count, ids: hash.digest("hex") }).toEqual({ folder, ...hashes[folder] });
    }
  });
});
