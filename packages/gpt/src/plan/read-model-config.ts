import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TensorFile } from "@tessera-lm/weights";
import { openSafetensorsFolder } from "@tessera-lm/weights/node";
import { UnsupportedModelError } from "../errors.ts";
import type { Family, Json } from "../families/family.ts";
import { gpt2 } from "../families/gpt2.ts";
import { decoderFamilies, encoderDecoderFamilies, encoderFamilies } from "../families/index.ts";
import { requirePath } from "../require-argument.ts";
import { readFields } from "../storage/load-model.ts";
import { openFamily } from "../storage/read-model.ts";
import type { ModelConfig } from "./anatomy.ts";

/** Reads a configuration, with a look at the weights where there are some. */
type Reader = (fields: Json, folder: string, file: TensorFile | undefined) => Promise<ModelConfig>;

const reader = <Config>(
  family: Family<Config, object>,
  planned: (config: Config) => ModelConfig,
): readonly [string, Reader] => [
  family.modelType,
  async (fields, place, file) =>
    planned(
      file
        ? (await openFamily(family, { fields, file, place })).config
        : family.readConfig(fields, join(place, "config.json"), new Map()),
    ),
];

/** By `model_type`. */
const READERS: ReadonlyMap<unknown, Reader> = new Map<unknown, Reader>([
  reader(gpt2, (config) => ({ kind: "gpt2", ...config })),
  ...decoderFamilies.map((family) => reader(family, (config) => ({ kind: "decoder", ...config }))),
  ...encoderFamilies.map((family) => reader(family, (config) => ({ kind: "encoder", ...config }))),
  ...encoderDecoderFamilies.map((family) => reader(family, (config) => ({ kind: "encoder-decoder", ...config }))),
]);

/**
 * The configuration of a model folder, to plan with: from its config.json, and where there are weights also from the
 * names of their tensors, which say what heads a model has. No weight is read but those that decide: a head that may be a
 * copy of the embedding, biases that may all be zero.
 * @throws {ModelFileError | ConfigError | UnsupportedModelError | TensorMismatchError} as `loadModel`
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  requirePath("readModelConfig", folder);
  const path = join(folder, "config.json");
  const fields = await readFields(folder, "config.json");
  const read = READERS.get(fields.model_type);
  if (read === undefined) throw new UnsupportedModelError(path, "model_type", fields.model_type, [...READERS.keys()]);
  const hasWeights = ["model.safetensors", "model.safetensors.index.json"].some((file) =>
    existsSync(join(folder, file)),
  );
  if (!hasWeights) return read(fields, folder, undefined);
  const file = await openSafetensorsFolder(folder);
  try {
    return await read(fields, folder, file);
  } finally {
    await file.close();
  }
}
