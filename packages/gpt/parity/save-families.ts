/** Opens every model that the tests of families open and saves it again, for open-families.py. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dispose } from "@tessera-lm/layers";
import type { ModelKind } from "../src/index.ts";
import { loadModel, saveModel } from "../src/node.ts";

const fixtures = fileURLToPath(new URL("../src/families/fixtures/", import.meta.url));
const kindOf = (name: string): ModelKind =>
  name.startsWith("bert") ? "encoder" : name.startsWith("t5") ? "encoder-decoder" : "decoder";

for (const name of await readdir(fixtures)) {
  if (/[.](py|json)$/.test(name)) continue;
  const model = await loadModel(join(fixtures, name), kindOf(name));
  await saveModel(model, join(process.argv[2], name));
  dispose(model);
}
