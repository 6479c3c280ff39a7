import fc from "fast-check";
import { expect, test } from "vitest";
import { mergePiece } from "./merge-piece.ts";
import { PairTable } from "./pair-table.ts";

type Rule = readonly [left: number, right: number, rank: number, merged: number];

/** The definition, written down: look at every pair, merge the first of lowest rank, begin again. */
function mergePlainly(ids: readonly number[], rules: readonly Rule[]): number[] {
  const parts = [...ids];
  for (;;) {
    let best: { at: number; rule: Rule } | undefined;
    for (let at = 0; at + 1 < parts.length; at++) {
      const rule = rules.find(([left, right]) => left === parts[at] && right === parts[at + 1]);
      if (rule && (best === undefined || rule[2] < best.rule[2])) best = { at, rule };
    }
    if (best === undefined) return parts;
    parts.splice(best.at, 2, best.rule[3]);
  }
}

function tableOf(rules: readonly Rule[]): PairTable {
  const table = new PairTable(rules.length);
  for (const rule of rules) table.add(...rule);
  return table;
}

const rules = fc
  .uniqueArray(fc.tuple(fc.nat(7), fc.nat(7), fc.nat(5), fc.nat(7)), { selector: ([left, right]) => left * 8 + right })
  .map((drawn): readonly Rule[] => drawn);

test("merges as the plain definition does, with ranks that tie and tokens that are made in several ways", () => {
  fc.assert(
    fc.property(rules, fc.array(fc.nat(7), { maxLength: 40 }), (drawn, ids) => {
      expect([...mergePiece(Int32Array.from(ids), tableOf(drawn))]).toEqual(mergePlainly(ids, drawn));
    }),
    { numRuns: 500 },
  );
});

test("ranks up to the largest id are exact", () => {
  const last = 2 ** 24 - 1;
  const nearby = fc
    .uniqueArray(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(7), fc.nat(3)), {
      selector: ([left, right]) => left * 4 + right,
    })
    .map((drawn) => drawn.map(([left, right, below, merged]): Rule => [left, right, last - below, merged]));
  fc.assert(
    fc.property(nearby, fc.array(fc.nat(3), { maxLength: 40 }), (drawn, ids) => {
      expect([...mergePiece(Int32Array.from(ids), tableOf(drawn))]).toEqual(mergePlainly(ids, drawn));
    }),
  );
});

test("a pair table finds exactly what was added, and each pair once", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3000), fc.nat(3000)), { maxLength: 300 }), (pairs) => {
      const table = new PairTable(pairs.length);
      const added = new Map<string, number>();
      pairs.forEach(([left, right], rank) => {
        expect(table.add(left, right, rank, left + right)).toBe(!added.has(`${left} ${right}`));
        if (!added.has(`${left} ${right}`)) added.set(`${left} ${right}`, rank);
      });
      for (const [left, right] of pairs) {
        const slot = table.find(left, right);
        expect([table.ranks[slot], table.merged[slot]]).toEqual([added.get(`${left} ${right}`), left + right]);
        if (!added.has(`${right} ${left}`)) expect(table.find(right, left)).toBe(-1);
      }
    }),
  );
});
