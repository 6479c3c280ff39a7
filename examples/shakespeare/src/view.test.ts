import { expect, it } from "vitest";
import { timeLeft } from "./view.ts";

it.each<[unknown, string]>([
  ["0", "–"],
  ["INF", "–"],
  ["NULL", "–"],
  [0, "00s"],
  [40, "40s"],
  [90, "01m30s"],
])("the time that is left, %j, is shown as %s", (seconds, shown) => {
  expect(timeLeft(seconds as number, { autopaddingChar: "0" }, 5)).toBe(shown);
});
