import { describe, expect, it } from "vitest";
import { shareOfPeak } from "./peak.ts";
import { median, table, toRow } from "./row.ts";

const base = { name: "train x", peerName: "peer", backend: "wasm" } as const;

describe("toRow", () => {
  it("is above 1 when we take less of what should be low", () => {
    const row = toRow({ ...base, unit: "ms", better: "lower", ours: [10, 30, 20], peer: [30, 30, 60] });
    expect(row).toMatchObject({ ours: 20, peer: 30, ratio: 1.5, spread: [1, 3] });
  });

  it("is above 1 when we have more of what should be high", () => {
    const row = toRow({ ...base, unit: "tokens/s", better: "higher", ours: [30], peer: [20] });
    expect(row).toMatchObject({ ours: 30, peer: 20, ratio: 1.5, spread: null });
  });

  it("says why there is no number of ours, and still gives the peer's", () => {
    const row = toRow({ ...base, unit: "ms", better: "lower", ours: [], peer: [5], reason: "no room" });
    expect(row).toMatchObject({ ours: null, peer: 5, ratio: null, reason: "no room" });
    expect(table([row])).toContain("train x: no room");
  });

  it("says how much of the machine's peak both reach", () => {
    const share = shareOfPeak(2e9, 1e11);
    const row = toRow({ ...base, unit: "ms", better: "lower", ours: [25], peer: [50], share });
    expect(row.shareOfPeak).toEqual({ ours: 0.8, peer: 0.4 });
    expect(table([row])).toContain("80 % / 40 %");
    expect(toRow({ ...base, unit: "ms", better: "lower", ours: [], peer: [50], share }).shareOfPeak?.ours).toBe(null);
  });

  it("gives no ratio where none is meant", () => {
    const row = toRow({ ...base, unit: "MB", ours: [0, 1], peer: [2, 2] });
    expect(row).toMatchObject({ ours: 0.5, peer: 2, ratio: null, spread: null });
  });

  it("keeps three digits", () => {
    const row = toRow({ ...base, unit: "ms", better: "lower", ours: [1234.567], peer: [0.0123456] });
    expect(row).toMatchObject({ ours: 1235, peer: 0.0123 });
  });
});

it("median takes the middle, or the mean of the two middle ones", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([])).toBeNull();
});
