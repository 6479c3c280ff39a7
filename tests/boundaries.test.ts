import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { repository } from "./repository.ts";

type Files = Readonly<Record<string, string>>;

const table = ".dependency-cruiser.mjs";
const browsers = ".dependency-cruiser.browser.mjs";

/** Small repositories, each a set of files; the first obeys the table, every other one breaks one rule. */
const allowed: Files = {
  "packages/tokenizer/src/index.ts": `export type { Tokenizer } from "./tokenizer.ts";\n`,
  "packages/tokenizer/src/tokenizer.ts": "export interface Tokenizer { readonly vocabSize: number }\n",
  "packages/tokenizer/src/node.ts": `export { readFileSync } from "node:fs";\n`,
  "packages/data/src/index.ts": `export type { Tokenizer } from "../../tokenizer/src/index.ts";\n`,
  "packages/gpt/src/index.ts": `import type { Stats } from "node:fs";\nexport const gpt: Stats | 1 = 1;\n`,
  "packages/lora/src/lora.test.ts": `import "../../gpt/src/index.ts";\n`,
};

const broken: readonly (readonly [rule: string, file: string, content: string])[] = [
  ["tokenizer-imports-its-row", "packages/tokenizer/src/byte-pair/bpe.ts", `import "../../../gpt/src/index.ts";\n`],
  ["trainer-imports-its-row", "packages/trainer/src/index.ts", `import "../../gpt/src/index.ts";\n`],
  ["lora-imports-its-row", "packages/lora/src/index.ts", `import type {} from "../../gpt/src/index.ts";\n`],
  ["eval-imports-its-row", "packages/eval/src/index.ts", `export { gpt } from "../../gpt/src/index.ts";\n`],
  ["data-imports-types-only", "packages/data/src/rows.ts", `import "../../tokenizer/src/index.ts";\n`],
  ["index-runs-in-browsers", "packages/gpt/src/index.ts", `export * from "../../tokenizer/src/node.ts";\n`],
  ["every-package-has-a-row", "packages/vision/src/index.ts", `import "./other.ts";\n`],
  ["no-cycles", "packages/gpt/src/index.ts", `import "./index.ts";\n`],
  ["resolvable", "packages/gpt/src/index.ts", `import "./nowhere.ts";\n`],
];

const temporary = mkdtempSync(join(tmpdir(), "tessera-boundaries-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

function check(config: string, name: string, files: Files): { status: number | null; output: string } {
  const folder = join(temporary, name);
  for (const [file, content] of Object.entries({ "tsconfig.json": "{}", ...files })) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
  const cruiser = join(repository, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const args = [cruiser, "--config", join(repository, config), "packages"];
  const run = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  return { status: run.status, output: run.stdout + run.stderr };
}

describe("import boundaries", () => {
  it.each([table, browsers])("%s accepts imports that keep its rules", (config) => {
    expect(check(config, `allowed${config}`, allowed)).toMatchObject({ status: 0 });
  });

  it.each(broken)("%s: fails on a forbidden import in %s", (rule, file, content) => {
    const { status, output } = check(rule.endsWith("browsers") ? browsers : table, rule, {
      ...allowed,
      [file]: content,
    });
    expect(status).not.toBe(0);
    expect(output).toContain(`error ${rule}:`);
  });
});
