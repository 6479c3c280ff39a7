import { expect, test } from "vitest";
import { type Readings, roundTripTable, toRoundTrip } from "./round-trip.ts";

const before = { loss: Math.log(20), text: [1, 2, 3, 4] };
const readings = (format: string, changes: Partial<Readings> = {}): Readings => {
  return { name: "llama", format, peerName: "a peer", before, peer: before, again: before, sameIds: true, ...changes };
};
const worse = (share: number): Readings["peer"] => ({ ...before, loss: Math.log(20 * (1 + share)) });
const otherText = { ...before, text: [1, 2, 9, 4] };

test.each<[string, Readings, boolean]>([
  ["nothing changed", readings("F32"), true],
  ["another token in float32", readings("F32", { peer: otherText }), false],
  ["another token in a folder that came back", readings("folder", { again: otherText }), false],
  ["another token in fewer bits", readings("Q8_0", { peer: otherText, again: otherText }), true],
  ["0.05 % in F16", readings("F16", { peer: worse(0.0005) }), true],
  ["0.2 % in F16", readings("F16", { peer: worse(0.002) }), false],
  ["0.2 % less in F16 after the way back", readings("F16", { again: worse(-0.002) }), false],
  ["0.9 % in Q8_0", readings("Q8_0", { peer: worse(0.009) }), true],
  ["1.1 % in Q8_0", readings("Q8_0", { peer: worse(0.011) }), false],
  ["no number", readings("F16", { peer: { ...before, loss: Number.NaN } }), false],
  ["other ids", readings("F16", { sameIds: false }), false],
])("%s: whether the round trip passed", (_, given, passed) => {
  expect(toRoundTrip(given).passed).toBe(passed);
});

test("the table says what is the same, how much changed, and how many failed", () => {
  const trips = [readings("F16", { peer: worse(0.0005) }), readings("F32", { peer: otherText })].map(toRoundTrip);
  const text = roundTripTable(trips);
  expect(text).toMatch(/^llama +GGUF F16 +a peer +4\/4 +4\/4 +yes +20\.000 +\+0\.0500 % +\+0\.0000 % +0\.1 % +ok$/m);
  expect(text).toMatch(/^llama +GGUF F32 +a peer +2\/4 +4\/4 .*FAILED$/m);
  expect(text).toMatch(/1 of 2 failed\.$/);
});
