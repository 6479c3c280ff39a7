import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import digests from "../fixtures/character-classes.json" with { type: "json" };
import { marks, nonspacingMarks, punctuation } from "./character-classes.ts";

describe("of all code points, those that Hugging Face's tokenizers take for", () => {
  test.each([
    ["punctuation", punctuation(), digests.PUNCTUATION],
    ["nonspacing marks", nonspacingMarks(), digests.NONSPACING_MARKS],
    ["marks", marks(), digests.MARKS],
  ])("%s", (_, source, digest) => {
    const pattern = new RegExp(source, "v");
    const members: number[] = [];
    for (let code = 0; code < 0x110000; code++) if (pattern.test(String.fromCodePoint(code))) members.push(code);
    expect(createHash("sha256").update(members.join(" ")).digest("hex")).toBe(digest);
  });
});
