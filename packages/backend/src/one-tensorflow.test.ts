import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const core = dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-core/package.json"));
const file = "node_modules/@tensorflow/tfjs-core/dist/tf-core.node.js";

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "tessera-copies-")));
  await cp(join(core, "dist", "tf-core.node.js"), join(folder, file));
  // What it depends on lies beside it.
  const modules = dirname(dirname(core));
  for (const name of await readdir(modules))
    if (name !== "@tensorflow") await symlink(join(modules, name), join(folder, "node_modules", name));
});
afterAll(() => rm(folder, { recursive: true }));

describe("a second copy of TensorFlow.js", () => {
  it.each([
    ["first", `await import(COPY); await import("@tensorflow/tfjs");`],
    ["last", `await import("@tensorflow/tfjs"); await import(COPY);`],
  ])("is refused and named when it is loaded %s", async (_, imports) => {
    const said = await run(`${imports} ${USE}`);
    expect(said).toMatch(/^TensorflowCopiesError: TensorFlow.js is loaded more than once/);
    expect(said).toContain(`4.22.0 from ${join(folder, file)}`);
    expect(said).toContain(`4.22.0 from ${join(core, "dist", "tf-core.node.js")}`);
  });

  it("is refused when nothing says where it is from, as in a bundle", async () => {
    const forget = "import { createRequire } from 'node:module'; delete createRequire(COPY).cache[COPY];";
    expect(await run(`await import(COPY); ${forget} ${USE}`)).toMatch(/^TensorflowCopiesError/);
  });
});

/** Says what `useBackend` throws. */
const USE = `const { useBackend } = await import(OURS); await useBackend("cpu").catch((e) => process.stdout.write(String(e)));`;

/** Runs a program in which COPY is the other copy and OURS our package. */
async function run(code: string): Promise<string> {
  const ours = new URL("./index.ts", import.meta.url).href;
  const source = `const [COPY, OURS] = ${JSON.stringify([join(folder, file), ours])}; console.warn = () => {}; ${code}`;
  const flags = ["--conditions=@tessera-lm/source", "--import", import.meta.resolve("tsx"), "--input-type=module"];
  const options = { cwd: fileURLToPath(new URL(".", import.meta.url)) };
  return (await promisify(execFile)(process.execPath, [...flags, "-e", source], options)).stdout;
}
