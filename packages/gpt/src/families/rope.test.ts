import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tensor2d, tidy } from "@tensorflow/tfjs";
import { dispose } from "@tessera-lm/layers";
import { openSafetensorsFile } from "@tessera-lm/weights/node";
import { expect, test } from "vitest";
import type { Decoder } from "../decoder/decoder.ts";
import type { Gpt2 } from "../decoder/gpt2.ts";
import { loadModel } from "../storage/load-model.ts";
import { readModel } from "../storage/read-model.ts";
import { saveModel } from "../storage/save-model.ts";
import { greatestDifference, inTemporaryFolder } from "../testing/reference.ts";
import type { Json } from "./family.ts";
import { writeRope } from "./rope.ts";

const fixtures = fileURLToPath(new URL("./fixtures/", import.meta.url));

interface Variant {
  readonly fields: Json;
  readonly logits: readonly number[];
}
const variants: Variant[] = JSON.parse(await readFile(join(fixtures, "rope.json"), "utf8"));

/** The model in `llama3` with other fields in its config.json. */
async function modelWith(changes: Json): Promise<Gpt2 | Decoder> {
  const { rope_parameters: _, ...fields } = JSON.parse(await readFile(join(fixtures, "llama3", "config.json"), "utf8"));
  const file = await openSafetensorsFile(join(fixtures, "llama3", "model.safetensors"));
  try {
    return await readModel({ ...fields, rope_theta: 10_000, ...changes }, file);
  } finally {
    await file.close();
  }
}

const tokens = Array.from({ length: 40 }, (_, i) => (i * 7) % 64);

test.each(variants)("$fields gives the logits of transformers, and comes back from a folder", ({ fields, logits }) =>
  inTemporaryFolder(async (folder) => {
    const model = await modelWith(fields);
    const own = tidy(() => model.forward(tensor2d([tokens], [1, 40], "int32"), { lastOnly: true }).dataSync());
    expect(greatestDifference(own, logits)).toBeLessThan(2e-5);
    await saveModel(model, folder);
    const again = await loadModel(folder);
    expect(again.config).toEqual(model.config);
    dispose([model, again]);
  }),
);

test("factors are written as transformers reads them", () => {
  const factors = [1, 1.5, 2, 3, 5, 8];
  const written = writeRope({ ropeTheta: 10_000, ropeScaling: { type: "factors", factors } }).rope_scaling;
  expect(variants.at(-1)?.fields.rope_scaling).toMatchObject(written as object);
});

test("factors that differ between short and long texts are refused, as is an attention factor with them", async () => {
  const rope = { rope_type: "longrope", short_factor: [1, 1, 1, 1, 1, 1], long_factor: [1, 1, 1, 1, 1, 2] };
  await expect(modelWith({ rope_scaling: { ...rope, attention_factor: 1 } })).rejects.toThrow(/long_factor/);
  const same = { ...rope, short_factor: rope.long_factor };
  await expect(modelWith({ rope_scaling: same })).rejects.toThrow(/attention_factor/);
  await expect(modelWith({ rope_scaling: { ...same, attention_factor: 1.1 } })).rejects.toThrow(/attention_factor/);
});
