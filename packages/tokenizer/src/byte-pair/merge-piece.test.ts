import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeLongPiece } from "./merge-long-piece.ts";
import { mergePiece } from "./merge-piece.ts";
import { type MergeRules, NO_RANK } from "./merges.ts";
import { PairTable } from "./pair-table.ts";

type Rule = readonly [left: number, right: number, rank: number];

/** The definition, written down: look at every pair, merge the first of lowest rank, begin again. */
function mergePlainly(ids: readonly number[], rules: MergeRules): number[] {
  const parts = [...ids];
  for (;;) {
    const ranks = parts.slice(1).map((right, at) => rules.rank(parts[at] as number, right));
    const lowest = Math.min(NO_RANK, ...ranks);
    if (lowest === NO_RANK) return parts;
    parts.splice(ranks.indexOf(lowest), 2, rules.merged(lowest));
  }
}

/** Pairs may share a rank; they make the same token then. */
function rulesOf(drawn: readonly Rule[], tokens: readonly number[], firstRank = 0): MergeRules {
  const ranks = new Map(drawn.map(([left, right, rank]) => [`${left} ${right}`, firstRank + rank]));
  return {
    rank: (left, right) => ranks.get(`${left} ${right}`) ?? NO_RANK,
    merged: (rank) => tokens[rank - firstRank] as number,
  };
}

const rules = fc.array(fc.tuple(fc.nat(7), fc.nat(7), fc.nat(5)), { maxLength: 40 });
const tokens = fc.array(fc.nat(7), { minLength: 6, maxLength: 6 });

function merged(merge: typeof mergePiece, ids: readonly number[], given: MergeRules): number[] {
  const parts = Int32Array.from([...ids, 77]); // what follows the piece does not belong to it
  return [...parts.subarray(0, merge(parts, ids.length, given))];
}

test.each([
  ["short", mergePiece, 40],
  ["long", mergeLongPiece, 40],
  ["both", mergePiece, 300],
])("merges %s pieces as the plain definition does, with ranks that tie", (_, merge, maxLength) => {
  fc.assert(
    fc.property(rules, tokens, fc.array(fc.nat(7), { maxLength }), (drawn, results, ids) => {
      const given = rulesOf(drawn, results);
      expect(merged(merge, ids, given)).toEqual(mergePlainly(ids, given));
    }),
    { numRuns: 300 },
  );
});

test("ranks up to the largest id are exact", () => {
  fc.assert(
    fc.property(rules, tokens, fc.array(fc.nat(7), { maxLength: 40 }), (drawn, results, ids) => {
      const given = rulesOf(drawn, results, 2 ** 24 - 6);
      for (const merge of [mergePiece, mergeLongPiece]) {
        expect(merged(merge, ids, given)).toEqual(mergePlainly(ids, given));
      }
    }),
  );
});

test("a pair table finds exactly what was added, and each pair once", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3000), fc.nat(3000)), { maxLength: 300 }), (pairs) => {
      const table = new PairTable(pairs.length);
      const added = new Map<string, number>();
      pairs.forEach(([left, right], rank) => {
        expect(table.add(left, right, rank)).toBe(!added.has(`${left} ${right}`));
        if (!added.has(`${left} ${right}`)) added.set(`${left} ${right}`, rank);
      });
      for (const [left, right] of pairs) {
        expect(table.get(left, right)).toBe(added.get(`${left} ${right}`));
        if (!added.has(`${right} ${left}`)) expect(table.get(right, left)).toBeUndefined();
      }
    }),
  );
});
