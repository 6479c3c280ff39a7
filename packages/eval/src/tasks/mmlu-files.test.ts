import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MalformedTaskFileError, MissingTaskFileError, UnknownSubjectError } from "../errors.ts";
import { loadMmlu } from "./mmlu-files.ts";
import { mmluGroup } from "./mmlu-groups.ts";

const fixture = new URL("../fixtures/mmlu", import.meta.url).pathname;
const GOOD = "What?,a,b,c,d,B\n";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mmlu-"));
  for (const split of ["dev", "test"]) await mkdir(join(folder, split));
  await writeFile(join(folder, "dev", "anatomy_dev.csv"), GOOD);
});
afterAll(() => rm(folder, { recursive: true }));

async function load(test: string | Uint8Array): ReturnType<typeof loadMmlu> {
  await writeFile(join(folder, "test", "anatomy_test.csv"), test);
  return loadMmlu(folder);
}

describe("loadMmlu", () => {
  it("reads quotes, line breaks inside fields, empty fields and a byte order mark", async () => {
    const [anatomy] = await load(`\uFEFF"He said ""a, b""\nand left",1,,"c ",d,A\r\n\nsaid "x" twice,a,b,c,d,D\n`);
    expect(anatomy?.test).toEqual([
      { question: 'He said "a, b"\nand left', choices: ["1", "", "c ", "d"], answer: 0 },
      { question: 'said "x" twice', choices: ["a", "b", "c", "d"], answer: 3 },
    ]);
    expect(anatomy?.dev).toEqual([{ question: "What?", choices: ["a", "b", "c", "d"], answer: 1 }]);
  });

  it("reads all subjects of a folder in alphabetical order, or those asked for", async () => {
    const names = ["abstract_algebra", "high_school_physics", "us_foreign_policy"];
    expect((await loadMmlu(fixture)).map(({ name }) => name)).toEqual(names);
    const some = await loadMmlu(fixture, { subjects: ["us_foreign_policy", "abstract_algebra"] });
    expect(some.map(({ name, test }) => [name, test.length])).toEqual([
      ["us_foreign_policy", 4],
      ["abstract_algebra", 9],
    ]);
  });

  it.each([
    ["a missing column", `${GOOD}What?,a,b,c,B\n`, 2, "expected 6 columns (question, A, B, C, D, answer), found 5"],
    ["a column too many", `${GOOD}${GOOD}What?,a,b,c,d,e,B\n`, 3, "found 7"],
    ["another letter", `"two\nlines",a,b,c,d,A\nWhat?,a,b,c,d,E\n`, 3, 'the answer is "E"; expected A, B, C or D'],
    ["a quote that never ends", `${GOOD}"What?,a,b,c,d,A\n`, 2, "Quote"],
    ["an empty file", "", 1, "the file holds no question"],
  ])("names file and line of %s", async (_, text, line, problem) => {
    const error = await load(text).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MalformedTaskFileError);
    expect(error).toMatchObject({ path: join(folder, "test", "anatomy_test.csv"), isTesseraError: true });
    expect((error as Error).message).toContain(problem);
    expect((error as MalformedTaskFileError).line).toBeGreaterThanOrEqual(line);
    expect((error as MalformedTaskFileError).line).toBeLessThanOrEqual(line + 1);
  });

  it("reads any bytes or gives its own error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.nat(20), async (bytes, at) => {
        const text = [...new TextEncoder().encode(`${GOOD}"a ""q""",b,c,d,e,A\n`)];
        text.splice(at, bytes.length % 5, ...bytes);
        const outcome = await load(Uint8Array.from(text)).catch((error: unknown) => error);
        expect(Array.isArray(outcome) || outcome instanceof MalformedTaskFileError).toBe(true);
      }),
    );
  });

  it("says which file or subject is missing", async () => {
    await expect(loadMmlu(join(folder, "nowhere"))).rejects.toThrow(MissingTaskFileError);
    await expect(loadMmlu(join(folder, "dev"))).rejects.toThrow(join(folder, "dev", "test"));
    await expect(loadMmlu(fixture, { subjects: ["alchemy"] })).rejects.toThrow(UnknownSubjectError);
    await writeFile(join(folder, "test", "virology_test.csv"), GOOD);
    await expect(loadMmlu(folder, { subjects: ["virology"] })).rejects.toThrow(
      `${join("dev", "virology_dev.csv")}: not found`,
    );
  });
});

const real = new URL("../../../../../shared/data/bench/mmlu", import.meta.url).pathname;

describe.skipIf(!existsSync(real))("the published files", () => {
  it("hold 57 subjects with five solved questions each and 14,042 questions, all in a group", async () => {
    const subjects = await loadMmlu(real);
    expect(subjects.length).toBe(57);
    expect(subjects.every(({ dev }) => dev.length === 5)).toBe(true);
    expect(subjects.reduce((sum, { test }) => sum + test.length, 0)).toBe(14_042);
    expect(subjects.every(({ name }) => mmluGroup(name) !== undefined)).toBe(true);
  });
});
