import fc from "fast-check";
import { expect, test } from "vitest";
import { GrowingIds } from "../growing-ids.ts";
import { TextBuffer } from "../split/text-buffer.ts";
import { WordTable } from "./word-table.ts";

function read(text: string): { view: DataView; length: number } {
  const buffer = new TextBuffer(text.length);
  return { view: buffer.view, length: buffer.write(text) };
}

/** @param before what stands before the word in its memory */
function idsOf(table: WordTable, text: string, before = ""): number[] | undefined {
  const ids = new GrowingIds(0);
  const { view, length } = read(before + text);
  return table.append(view, read(before).length, length, ids) ? [...ids.finish()] : undefined;
}

function remember(table: WordTable, text: string, ids: readonly number[], before = "", after = ""): void {
  const { view } = read(before + text + after);
  const start = read(before).length;
  table.add(view, start, start + read(text).length, Int32Array.from([...ids, 99]), ids.length);
}

const word = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 32 }),
  fc.string({ unit: fc.constantFrom("\0", "a", "b"), minLength: 1, maxLength: 128 }),
);
const ids = fc.array(fc.nat(2 ** 24), { minLength: 1, maxLength: 5 });

test("gives back exactly what was added, from inside of other texts too", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(word, ids), { selector: ([text]) => text, maxLength: 200 }), (entries) => {
      const table = new WordTable();
      entries.forEach(([text, own], index) => {
        expect(idsOf(table, text)).toBeUndefined();
        if (index % 2 === 0) remember(table, text, own);
        else remember(table, text, own, "a", "b");
      });
      for (const [text, own] of entries) {
        expect(idsOf(table, text)).toEqual(own);
        expect(idsOf(table, text, text)).toEqual(own);
        for (const longer of [`${text}!`, `${text}\0`])
          if (!entries.some(([other]) => other === longer)) expect(idsOf(table, longer)).toBeUndefined();
      }
    }),
    { numRuns: 50 },
  );
});

test.each(["", "a longer "])('is bounded: with too many words "%s…" it begins anew', (prefix) => {
  const table = new WordTable();
  let forgotten = 0;
  for (let i = 0; i < 400_000; i++) {
    remember(table, `${prefix}${i}`, [i]);
    expect(idsOf(table, `${prefix}${i}`) ?? [i]).toEqual([i]);
    if (idsOf(table, `${prefix}0`) === undefined) forgotten = i;
  }
  expect(forgotten).toBeGreaterThan(100_000);
});

test("does not keep very long pieces", () => {
  const table = new WordTable();
  remember(table, "a".repeat(1000), [1]);
  expect(idsOf(table, "a".repeat(1000))).toBeUndefined();
});

test.each(["word", "a longer word"])("a word without ids takes no room: %s", (text) => {
  const table = new WordTable();
  remember(table, text, []);
  const others = Array.from({ length: 20_000 }, (_, i) => `${text.slice(0, 1)}${i}${text.slice(4)}`);
  for (const [i, other] of others.entries()) remember(table, other, [i]);
  // With room for as many words as are kept at most, all would be forgotten.
  for (let i = 0; i < 2 ** 17; i++) remember(table, text, []);
  remember(table, "!", [1]);
  expect(idsOf(table, text)).toBeUndefined();
  expect(others.filter((other) => idsOf(table, other) === undefined)).toHaveLength(0);
});
