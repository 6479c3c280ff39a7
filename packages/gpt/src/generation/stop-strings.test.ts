import fc from "fast-check";
import { expect, test } from "vitest";
import { collect } from "../testing/collect.ts";
import { Table } from "../testing/models.ts";
import type { EndEvent, GenerationEvent, TokenEvent } from "./events.ts";
import { generateEvents } from "./generate.ts";

/** A model that says one token after the other, and what these say. */
function speech(pieces: readonly string[]): {
  model: Table;
  decoder: () => { push(token: number): string; end(): string };
} {
  const row = (next: number): number[] => pieces.map((_, token) => (token === next ? 9 : 0));
  const model = new Table(pieces.map((_, token) => row((token + 1) % pieces.length)));
  return { model, decoder: () => ({ push: (token) => pieces[token], end: () => "…" }) };
}

async function say(pieces: readonly string[], stopStrings: readonly string[]): Promise<GenerationEvent[]> {
  const { model, decoder } = speech(["", ...pieces]);
  const options = { maxNewTokens: pieces.length, temperature: 0, stopStrings, decoder: decoder() };
  return collect(generateEvents(model, [0], options));
}

const tokensIn = (events: readonly GenerationEvent[]): TokenEvent[] => events.filter((event) => event.type === "token");
const endOf = (events: readonly GenerationEvent[]): EndEvent => events.at(-1) as EndEvent;
const textOf = (events: readonly GenerationEvent[]): string => events.map(({ text }) => text).join("");

test("a stop string across tokens ends the text, and no part of it is given", async () => {
  const events = await say(["To be", ".", "\n", "\nRO", "MEO"], [".\n\nR"]);
  expect(events).toEqual([
    { type: "token", token: 1, text: "To be" },
    { type: "end", reason: "stop-string", text: "" },
  ]);
});

test("the text before a stop string within a token comes with the end", async () => {
  const events = await say(["a", "b\n\nc", "d"], ["\n\n"]);
  expect(tokensIn(events).map(({ token }) => token)).toEqual([1]);
  expect(endOf(events)).toEqual({ type: "end", reason: "stop-string", text: "b" });
});

test("what only began like a stop string is given after all", async () => {
  const events = await say(["a", "<", "/", "b", "<", "/"], ["</s>"]);
  expect(tokensIn(events).map(({ text }) => text)).toEqual(["a", "<", "/", "b", "<", "/"]);
  expect(endOf(events)).toEqual({ type: "end", reason: "length", text: "…" });
});

test("a token that is a part of a character goes with the token that completes it", async () => {
  const events = await say(["a", "", "é"], ["é"]);
  expect(tokensIn(events).map(({ token }) => token)).toEqual([1]);
});

test("any text ends before the first of the stop strings", async () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 3 });
  const stop = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(
    fc.array(word, { minLength: 1, maxLength: 8 }),
    fc.array(stop, { maxLength: 3 }),
    async (pieces, stops) => {
      const events = await say(pieces, stops);
      const whole = pieces.join("");
      // The stop string that is complete first counts, since the text ends there.
      const ends = pieces.map((_, i) => pieces.slice(0, i + 1).join(""));
      const stopped = ends.find((text) => stops.some((each) => text.includes(each)));
      const found = stops.map((each) => (stopped ?? "").indexOf(each)).filter((index) => index >= 0);
      expect(textOf(events)).toBe(stopped === undefined ? `${whole}…` : whole.slice(0, Math.min(...found)));
      expect(endOf(events).reason).toBe(stopped === undefined ? "length" : "stop-string");
      expect(textOf(tokensIn(events))).toBe(pieces.slice(0, tokensIn(events).length).join(""));
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
