import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Corpus } from "@tessera-examples/common";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Everything that this project says about itself: a text at hand on every machine, and quite unlike Shakespeare. */
export async function projectDocuments(): Promise<Corpus> {
  const packages = await readdir(join(root, "packages"));
  const files = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    ...packages.sort().map((name) => `packages/${name}/README.md`),
  ];
  const texts = await Promise.all(files.map((file) => readFile(join(root, file), "utf8").catch(() => "")));
  return { text: texts.join("\n\n"), source: "this project's documentation" };
}
