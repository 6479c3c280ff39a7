import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Edit } from "../stretch.ts";
import { makeNormalizer } from "./normalizers.ts";

const normalizer = (part: object): Edit => makeNormalizer(part, "normalizer") as Edit;

/** A table that replaces one key, as T5's replaces U+200D by a space. */
function charsmap(key: string, replacement: string): string {
  const bytes = [...new TextEncoder().encode(key)];
  const units = new Uint32Array(256 * (bytes.length + 1) + 1);
  units[0] = 256 << 10;
  bytes.forEach((byte, index) => {
    const node = 256 * (index + 1);
    const isLast = index === bytes.length - 1;
    units[node ^ byte] = (((node + 256) ^ node ^ byte) << 10) | (isLast ? 0x100 : 0) | byte;
  });
  const size = new Uint8Array(Uint32Array.of(units.byteLength).buffer);
  const all = [...size, ...new Uint8Array(units.buffer), ...new TextEncoder().encode(`${replacement}\0`)];
  return btoa(String.fromCharCode(...all));
}

describe("Precompiled", () => {
  const precompiled = normalizer({ type: "Precompiled", precompiled_charsmap: charsmap("\u200d", " ") });

  // Hugging Face's tokenizers keep U+0329, which follows the joiner in one cluster of six bytes.
  test.each([
    ["a\u200d\u0329b", "a \u0329b"],
    ["a\u200d\u0329\u0301b", "a \u0329\u0301b"],
    ["\u200d\u0329", " "],
    ["\u{1f600}\u200db", "\u{1f600} b"],
  ])("the rest of a cluster that is too long is looked up one by one: %j", (text, changed) => {
    expect(precompiled(text)).toBe(changed);
    expect(precompiled(text, [])).toBe(changed);
  });
});

describe.each(["NFC", "NFD", "NFKC", "NFKD"] as const)("%s", (form) => {
  const edit = normalizer({ type: form });
  const marks = fc.constantFrom(
    ..."\u0301\u0323\u0327\u0334\u0345\u0344\u05b0\u0f73\u0f71\u3099\uff9e\uff9f\u0903\u20dd",
  );
  const mixed = fc.array(
    fc.oneof({ weight: 60, arbitrary: marks }, fc.constantFrom("a", "é", "が", "각", "\u{1d15e}")),
    {
      minLength: 40,
      maxLength: 200,
    },
  );

  test("puts long runs of marks in order as String.normalize does", () => {
    fc.assert(
      fc.property(mixed, (characters) => {
        const text = characters.join("");
        expect(edit(text)).toBe(text.normalize(form));
        const sources: number[] = [];
        expect(edit(text, sources)).toHaveLength(sources.length);
      }),
      { numRuns: 100 },
    );
  });

  test.each([undefined, []])("and does so for 100,000 in no long time", (sources) => {
    const text = `a${"\u0301\u0323".repeat(50_000)}`;
    const start = performance.now();
    expect(edit(text, sources)).toMatch(form.endsWith("D") ? /^a\u0323+\u0301+$/ : /^ạ\u0323+\u0301+$/);
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
