import { expect, test } from "vitest";
import { MalformedTokenizerError } from "../errors.ts";
import { type Decoder, makeDecoder } from "./decoders.ts";

const strip = (content: string, start: number, stop: number): Decoder =>
  makeDecoder({ type: "Strip", content, start, stop }, "decoder") as Decoder;

test("Strip takes one character off both ends, not more often than it says", () => {
  expect(strip(" ", 1, 0)(["  a ", " ", "a"])).toEqual([" a ", "", "a"]);
  expect(strip("🙂", 3e8, 2)(["🙂🙂a🙂🙂🙂", "🙂🙂"])).toEqual(["a🙂", ""]);
  expect(strip("b", 1, 3e8)(["bb", "b", "", "ab"])).toEqual(["", "", "", "a"]);
});

test.each(["", "ab"])("Strip of %j, which is not one character, is refused", (content) => {
  expect(() => strip(content, 3e8, 0)).toThrow(MalformedTokenizerError);
});
