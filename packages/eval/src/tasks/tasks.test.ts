import { describe, expect, it } from "vitest";
import { pooledScore } from "../statistics.ts";
import { byteTokenizer } from "../testing/byte-tokenizer.ts";
import { FakeModel, nextUpward } from "../testing/fake-model.ts";
import { multipleChoiceTasks } from "./tasks.ts";

const model = new FakeModel(256, 32, nextUpward(256, 0.9));
/** The model always answers "!". */
const item = (answer: number) => ({ context: "\x1f", choices: ["x", "!"], answer });

describe("multipleChoiceTasks", () => {
  it("pools each group and all tasks by size, and counts progress over all", async () => {
    const tasks = [
      { name: "one", group: "g", items: [item(1), item(1), item(0)] },
      { name: "two", group: "h", items: [item(0), item(0)] },
      { name: "three", group: "g", items: [item(1)] },
      { name: "four", items: [item(1), item(1)] },
    ];
    const progress: number[][] = [];
    const report = await multipleChoiceTasks(model, byteTokenizer, tasks, { onProgress: (...p) => progress.push(p) });
    expect(report.tasks.map(({ name, accuracy }) => [name, accuracy.value])).toEqual([
      ["one", 2 / 3],
      ["two", 0],
      ["three", 1],
      ["four", 1],
    ]);
    expect([...report.groups.keys()]).toEqual(["g", "h"]);
    expect(report.groups.get("g")?.accuracy.value).toBe(3 / 4);
    expect(report.overall.accuracy).toEqual(pooledScore(report.tasks.map((task) => task.accuracy)));
    expect(report.overall.accuracy.value).toBe(5 / 8);
    expect(progress.at(-1)).toEqual([16, 16]);
    expect(progress.map(([done]) => done)).toEqual([6, 10, 12, 16]);
  });

  it("refuses an empty list", async () => {
    await expect(multipleChoiceTasks(model, byteTokenizer, [])).rejects.toThrow("the list of tasks is empty");
  });
});
