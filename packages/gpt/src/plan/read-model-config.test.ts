import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parameters } from "@tessera-lm/layers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDecoder } from "../decoder/decoder.ts";
import { createGpt2 } from "../decoder/gpt2.ts";
import { createEncoder } from "../encoder/encoder.ts";
import { createEncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { ModelFileError, UnsupportedModelError } from "../errors.ts";
import { saveModel } from "../storage/save-model.ts";
import { plan } from "./plan.ts";
import { readModelConfig } from "./read-model-config.ts";

const sizes = { vocabSize: 40, contextLength: 8, numLayers: 2, numHeads: 2, width: 16 };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "plan-"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  ["gpt2", createGpt2(sizes, 1)],
  ["decoder", createDecoder({ ...sizes, numKeyValueHeads: 1, slidingWindow: 4 }, 1)],
  ["encoder", createEncoder({ ...sizes, pooler: true, maskedHead: false }, 1)],
  ["encoder-decoder", createEncoderDecoder({ ...sizes, tieEmbeddings: false }, 1)],
])("of a saved %s all parameters are planned, from nothing but names and shapes", async (kind, model) => {
  const saved = join(folder, kind);
  await saveModel(model, saved);
  const config = await readModelConfig(saved);
  expect(config.kind).toBe(kind);
  const count = [...parameters(model).values()].reduce((total, { size }) => total + size, 0);
  expect(plan(config).parameters).toBe(count);
});

test("a config.json alone is enough; one of another architecture is named", async () => {
  await writeFile(join(folder, "config.json"), JSON.stringify({ model_type: "gpt2" }));
  expect(plan(await readModelConfig(folder)).parameters).toBe(124_439_808);
  await writeFile(join(folder, "config.json"), JSON.stringify({ model_type: "mamba" }));
  await expect(readModelConfig(folder)).rejects.toThrow(UnsupportedModelError);
  await expect(readModelConfig(join(folder, "nowhere"))).rejects.toThrow(ModelFileError);
});
