import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toolFile } from "../scripts/setup.mjs";
import { readmeBlocks, withChecks } from "./readmes/blocks.ts";
import { repository } from "./repository.ts";

const run = promisify(execFile);
const blocks = readmeBlocks();
const checker = pathToFileURL(join(repository, "tests/readmes/expect-value.ts")).href;
const tsx = import.meta.resolve("tsx");
const temporary = mkdtempSync(join(tmpdir(), "tessera-readmes-"));

beforeAll(() => {
  for (const { file, source } of blocks) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, withChecks(source, checker));
  }
});

afterAll(() => {
  for (const folder of [temporary, ...blocks.map(({ file }) => dirname(file))])
    rmSync(folder, { recursive: true, force: true });
});

/** Runs a module from source in an empty working directory: what it writes, it writes there or among its temporary files. */
async function runModule(file: string): Promise<void> {
  const args = ["--conditions=@tessera-lm/source", "--import", tsx, file];
  const env = { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  await run(process.execPath, args, { cwd: mkdtempSync(join(temporary, "run-")), env });
}

it.each([
  ["1 + 1; // => 2", true],
  ["console.log([1, 2].map((x) => x * 2)); // => [2, 4]", true],
  ["1 + 1; // => 3", false],
  ["for (const x of [1, 2]) {\n  x; // => 1\n}", false],
  ["console.log(new Float32Array(2)); // => [0, 1]", false],
])("a value that is written is checked: %j is %s", async (source, holds) => {
  const file = join(temporary, "promise.ts");
  writeFileSync(file, withChecks(source, checker));
  const outcome = await runModule(file).then(
    () => "held",
    (error: Error) => error.message,
  );
  expect(outcome).toMatch(holds ? /^held$/ : /line \d of the block has another value/);
});

describe("the code in the READMEs", () => {
  it.for(blocks.filter(({ runs }) => runs))("runs as written: $place", { timeout: 120_000 }, ({ file }) =>
    runModule(file),
  );

  it("type-checks", { timeout: 120_000 }, async () => {
    const config = join(temporary, "tsconfig.json");
    const compilerOptions = {
      isolatedDeclarations: false,
      declaration: false,
      noUnusedLocals: false,
      moduleDetection: "force",
      typeRoots: [join(repository, "node_modules/@types")],
      paths: { [checker]: [join(repository, "tests/readmes/expect-value.ts")] },
    };
    const files = blocks.map(({ file }) => file);
    writeFileSync(config, JSON.stringify({ extends: join(repository, "tsconfig.base.json"), compilerOptions, files }));
    await run(process.execPath, [toolFile("tsc"), "-p", config], { cwd: repository }).catch(({ stdout }) => {
      throw new Error(stdout);
    });
  });
});
