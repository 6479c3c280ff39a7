import { describe, expect, it } from "vitest";
import { NothingToScoreError } from "./errors.ts";
import harness from "./fixtures/harness.json" with { type: "json" };
import { meanScore, pooledScore } from "./statistics.ts";

describe("meanScore", () => {
  it("gives the mean and sample std / √n of lm-evaluation-harness", () => {
    const { groups, means, stderrs } = harness.statistics;
    for (const [i, group] of groups.entries()) {
      const score = meanScore(group);
      expect(score.value).toBeCloseTo(means[i] as number, 14);
      expect(score.standardError).toBeCloseTo(stderrs[i] as number, 14);
      expect(score.count).toBe(group.length);
    }
  });

  it("knows no spread of a single item", () => {
    expect(meanScore([1])).toEqual({ value: 1, standardError: Number.NaN, count: 1 });
  });

  it("refuses nothing", () => {
    expect(() => meanScore([])).toThrow(NothingToScoreError);
  });
});

describe("pooledScore", () => {
  it("weighs by size and pools the variances as lm-evaluation-harness does", () => {
    const { groups, pooled } = harness.statistics;
    const score = pooledScore(groups.map(meanScore));
    expect(score.value).toBeCloseTo(pooled.mean, 14);
    expect(score.standardError).toBeCloseTo(pooled.stderr, 14);
    expect(score.count).toBe(16);
  });

  it("is close to the score of all items at once when the groups have equal means", () => {
    const group = [0, 1, 1, 0, 1, 0, 0, 1];
    const [pooled, whole] = [pooledScore([meanScore(group), meanScore(group)]), meanScore([...group, ...group])];
    expect(pooled.value).toBe(whole.value);
    expect(pooled.standardError / whole.standardError).toBeCloseTo(Math.sqrt(15 / 14), 12);
  });

  it("lets a group of one item count in the mean but not in the variance", () => {
    const group = meanScore([0, 1, 1]);
    const pooled = pooledScore([group, meanScore([1])]);
    expect(pooled.value).toBe(3 / 4);
    expect(pooled.standardError).toBeCloseTo(Math.sqrt((2 * 3 * group.standardError ** 2) / 2 / 4), 14);
  });
});
