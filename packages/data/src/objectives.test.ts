import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type BatchSource,
  corruptedSpans,
  DataOptionError,
  inMemoryTokens,
  maskedTokens,
  randomWindows,
} from "./index.ts";

const tokens = inMemoryTokens(Uint32Array.from({ length: 5000 }, (_, i) => 10 + ((i * 7919) % 50)));
const windows = (batchSize: number, contextLength: number) =>
  randomWindows(tokens, { batchSize, contextLength, seed: 5 });

/** The next batches of a source that does not end. */
function next<B>(source: Iterable<B>, count: number): B[] {
  const found: B[] = [];
  for (const batch of source) if (found.push(batch) === count) break;
  return found;
}

const masking = { maskToken: 3, vocabSize: 60, seed: 1 };

test("15 % of the tokens are to be told: 80 % of them masked, 10 % random, 10 % as they were", () => {
  const [plain] = next(windows(100, 200), 1);
  const [{ inputs, targets, shape }] = next(maskedTokens(windows(100, 200), masking), 1);
  expect(shape).toEqual([100, 200]);
  const count = { told: 0, masked: 0, same: 0, random: 0 };
  for (const [place, target] of targets.entries()) {
    if (target === -1) {
      expect(inputs[place]).toBe(plain.inputs[place]);
      continue;
    }
    expect(target).toBe(plain.inputs[place]);
    count.told++;
    count[inputs[place] === 3 ? "masked" : inputs[place] === target ? "same" : "random"]++;
  }
  expect(Math.abs(count.told / 20_000 - 0.15)).toBeLessThan(0.01); // 4 standard errors
  expect(Math.abs(count.masked / count.told - 0.8)).toBeLessThan(0.03);
  expect(Math.abs(count.random / count.told - 0.1)).toBeLessThan(0.022);
});

test("a batch has a token to tell, however small it is", () => {
  const batches = next(maskedTokens(windows(1, 1), { ...masking, share: 0.001 }), 20);
  for (const { targets } of batches) expect(targets[0]).toBeGreaterThan(0);
});

const spans = { sentinels: [99, 98, 97, 96, 95], endOfText: 1, seed: 1 };

test("spans put back where their sentinels stand give the text", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 3 }), fc.integer(), (time, rows, seed) => {
      const [plain] = next(windows(rows, time), 1);
      const [batch] = next(corruptedSpans(windows(rows, time), { ...spans, seed }), 1);
      const [[, inputTime], [, targetTime]] = [batch.inputShape, batch.targetShape];
      const numCut = Math.min(Math.max(Math.round(time * 0.15), 1), time - 1);
      expect(inputTime + targetTime).toBe(time + 2 * (targetTime - numCut - 1) + 2);
      for (let row = 0; row < rows; row++) {
        const input = [...batch.inputs.subarray(row * inputTime, (row + 1) * inputTime)];
        const target = [...batch.targets.subarray(row * targetTime, (row + 1) * targetTime)];
        expect([input.at(-1), target.at(-1)]).toEqual([1, 1]);
        const used = target.filter((token) => token >= 95);
        expect(used).toEqual(spans.sentinels.slice(0, used.length));
        expect(input.filter((token) => token >= 95)).toEqual(used);
        const cut = target
          .slice(0, -1)
          .join(" ")
          .split(/(?=\b9[5-9]\b)/)
          .map((span) => span.trim().split(" ").map(Number));
        expect(cut.reduce((sum, span) => sum + span.length - 1, 0)).toBe(numCut);
        const restored = input
          .slice(0, -1)
          .flatMap((token) => cut.find(([sentinel]) => sentinel === token)?.slice(1) ?? [token]);
        expect(restored).toEqual([...plain.inputs.subarray(row * time, (row + 1) * time)]);
      }
    }),
    { numRuns: 50 },
  );
});

test.each<[string, () => BatchSource<unknown>]>([
  ["masked tokens", () => maskedTokens(windows(2, 20), masking)],
  ["corrupted spans", () => corruptedSpans(windows(2, 20), spans)],
])("%s go on from a state with the same batches", (_, make) => {
  const source = make();
  next(source, 3);
  const state = JSON.parse(JSON.stringify(source.state()));
  const expected = next(source, 3);
  const other = make();
  other.restore(state);
  expect(next(other, 3)).toEqual(expected);
  expect(next(make(), 3)).not.toEqual(expected);
  expect(() => other.restore({ ...state, change: [0, 0, 0, 0] })).toThrow(/change is \[0,0,0,0\]/);
});

test("options that make no sense are refused by name", () => {
  expect(() => maskedTokens(windows(1, 4), { ...masking, share: 0 })).toThrow(/share must be above 0/);
  expect(() => maskedTokens(windows(1, 4), { ...masking, vocabSize: 0 })).toThrow(DataOptionError);
  expect(() => corruptedSpans(windows(1, 4), { ...spans, share: Number.NaN })).toThrow(/share/);
  expect(() => next(corruptedSpans(windows(1, 400), spans), 1)).toThrow(
    /sentinels must be one for each of the 20 spans/,
  );
  expect(() => next(corruptedSpans(windows(1, 1), spans), 1)).toThrow(/rows of two tokens/);
  const masked = maskedTokens(windows(1, 4), masking);
  expect(() => masked.restore(maskedTokens(windows(1, 4), { ...masking, seed: 2 }).state())).toThrow(/masking/);
});
