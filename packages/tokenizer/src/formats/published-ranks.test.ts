import { expect, test } from "vitest";
import { UnsupportedTokenizerError } from "../errors.ts";
import { tokenizerFromPublishedRanks } from "./published-ranks.ts";

test.each([50_256, 50_280, 100_256, 199_998, 128_000])(
  "%d ranks of somebody else are not taken for known ones",
  (count) => {
    const lines = Array.from(
      { length: count },
      (_, rank) => `${btoa(rank < 256 ? String.fromCharCode(rank) : `t${rank}`)} ${rank}`,
    );
    expect(() => tokenizerFromPublishedRanks(lines.join("\n"))).toThrow(UnsupportedTokenizerError);
  },
);
