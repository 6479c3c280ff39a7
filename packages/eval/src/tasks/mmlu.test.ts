import { loadModel } from "@tessera-lm/gpt/node";
import { loadTokenizer } from "@tessera-lm/tokenizer/node";
import { describe, expect, it } from "vitest";
import { EvaluationOptionError } from "../errors.ts";
import harness from "../fixtures/harness.json" with { type: "json" };
import { byteTokenizer } from "../testing/byte-tokenizer.ts";
import { FakeModel, nextUpward } from "../testing/fake-model.ts";
import { mmlu, mmluPrompt } from "./mmlu.ts";
import { loadMmlu } from "./mmlu-files.ts";

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const subjects = await loadMmlu(fixture("mmlu"));
const subject = subjects[0] as (typeof subjects)[number];

describe("mmluPrompt", () => {
  it("is lm-evaluation-harness's, to the character, with no and with five shots", () => {
    const expected: Record<string, string[]> = harness.mmlu.prompts;
    for (const one of subjects) {
      const prompts = one.test.flatMap((asked) => [0, 5].map((shots) => mmluPrompt(one, asked, { shots })));
      expect(prompts).toEqual(expected[one.name]);
    }
  });

  it("has the two spaces and the unstripped question of the paper's script on request", () => {
    const asked = subject.test[0] as (typeof subject.test)[number];
    const prompt = mmluPrompt(subject, asked, { shots: 1, style: "original" });
    expect(prompt).toMatch(
      /^The following are multiple choice questions \(with answers\) about {2}abstract algebra\.\n\n/,
    );
    expect(prompt).toContain(`Answer: A\n\n${asked.question}\nA. `);
    expect(asked.question).not.toBe(asked.question.trim());
  });
});

describe("mmlu", () => {
  it("equals lm-evaluation-harness: log-likelihoods, scores, groups and standard errors", async () => {
    const folder = fixture("tiny-gpt2");
    const [model, tokenizer] = await Promise.all([loadModel(folder), loadTokenizer(folder)]);
    const report = await mmlu(model, tokenizer, subjects, { dropShots: false });
    const expected: Record<string, (typeof harness.mmlu.subjects)["abstract_algebra"]> = harness.mmlu.subjects;
    for (const { name, accuracy, records } of report.tasks) {
      expect(accuracy.value).toBeCloseTo(expected[name]?.acc ?? Number.NaN, 12);
      expect(accuracy.standardError).toBeCloseTo(expected[name]?.stderr ?? Number.NaN, 12);
      for (const [i, { logLikelihoods, truncated }] of records.entries()) {
        expect(truncated).toBeGreaterThan(0);
        for (const [c, value] of logLikelihoods.entries()) {
          expect(value / (expected[name]?.logLikelihoods[i]?.[c] ?? 0)).toBeCloseTo(1, 5);
        }
      }
    }
    const stem = report.groups.get("stem")?.accuracy;
    expect(stem?.value).toBeCloseTo(harness.mmlu.groups.stem.acc, 12);
    expect(stem?.standardError).toBeCloseTo(harness.mmlu.groups.stem.stderr, 12);
    expect(report.overall.accuracy.value).toBeCloseTo(harness.mmlu.groups.all.acc, 12);
    expect(report.overall.accuracy.standardError).toBeCloseTo(harness.mmlu.groups.all.stderr, 12);
    expect([...report.groups.keys()].sort()).toEqual(["social_sciences", "stem"]);
    expect(report.questionsWithFewerShots).toBe(0);
  });

  it("leaves out the last shots until the prompt fits, and counts the questions", async () => {
    const asked = subject.test.slice(2, 4);
    const room =
      Math.max(...asked.map((one) => byteTokenizer.encode(mmluPrompt(subject, one, { shots: 2 })).length)) + 1;
    const model = new FakeModel(256, room, nextUpward(256, 0.9));
    const one = { ...subject, test: asked };
    const full = await mmlu(model, byteTokenizer, [one], { shots: 2 });
    expect(full.questionsWithFewerShots).toBe(0);
    const report = await mmlu(model, byteTokenizer, [one], { shots: 3 });
    expect(report.questionsWithFewerShots).toBe(2);
    expect(report.tasks[0]?.records.every((record) => record.truncated === 0)).toBe(true);
    expect(report.tasks[0]?.records.map((record) => record.logLikelihoods)).toEqual(
      full.tasks[0]?.records.map((record) => record.logLikelihoods),
    );
  });

  it("asks only so many questions of each subject", async () => {
    const model = new FakeModel(256, 2000, () => Array.from({ length: 256 }, () => 1 / 256));
    const report = await mmlu(model, byteTokenizer, subjects, { limit: 1, shots: 0 });
    expect(report.tasks.map((task) => task.records.length)).toEqual([1, 1, 1]);
  });

  it("refuses a limit that is not a whole number of at least 1", async () => {
    const model = new FakeModel(256, 2000, nextUpward(256, 0.9));
    for (const limit of [-1, 0, 1.5, Number.NaN]) {
      const run = mmlu(model, byteTokenizer, subjects, { limit, shots: 0 });
      await expect(run).rejects.toThrow(`limit is ${limit}; expected a whole number of at least 1.`);
      await expect(run).rejects.toBeInstanceOf(EvaluationOptionError);
    }
    expect(model.batches).toEqual([]);
  });

  it("encodes a subject when its turn comes, and counts progress over all of them", async () => {
    const model = new FakeModel(256, 2000, () => Array.from({ length: 256 }, () => 1 / 256));
    const begun: string[] = [];
    const encode = (text: string): Uint32Array => {
      const { name } = subjects.find((one) => text.includes(`about ${one.name.replaceAll("_", " ")}.`)) ?? subject;
      if (begun.at(-1) !== name) begun.push(name);
      return byteTokenizer.encode(text);
    };
    const progress: (readonly [subjects: number, done: number, total: number])[] = [];
    const onProgress = (done: number, total: number) => progress.push([begun.length, done, total]);
    await mmlu(model, { ...byteTokenizer, encode }, subjects, { limit: 1, shots: 1, onProgress });
    expect(begun).toEqual(subjects.map(({ name }) => name));
    expect(progress).toEqual([
      [1, 4, 12],
      [2, 8, 12],
      [3, 12, 12],
    ]);
  });

  it("hears an abort between two questions, before the model has run", async () => {
    const model = new FakeModel(256, 2000, nextUpward(256, 0.9));
    const encoded: string[] = [];
    const encode = (text: string): Uint32Array => {
      encoded.push(text);
      return byteTokenizer.encode(text);
    };
    const controller = new AbortController();
    setImmediate(() => controller.abort(new RangeError("enough")));
    const options = { shots: 1, signal: controller.signal };
    await expect(mmlu(model, { ...byteTokenizer, encode }, subjects, options)).rejects.toThrow("enough");
    const first = mmluPrompt(subject, subject.test[0] as (typeof subject.test)[number], options);
    expect(encoded.map((text) => text.startsWith(first))).toEqual([true, true]);
    expect(model.batches).toEqual([]);
  });

  it("refuses more shots than the subject has solved questions", async () => {
    const model = new FakeModel(256, 100, nextUpward(256, 0.9));
    await expect(mmlu(model, byteTokenizer, subjects, { shots: 6 })).rejects.toThrow(
      "shots is 6; expected a whole number between 0 and 5, what abstract_algebra has to show.",
    );
  });
});
