import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TensorEntry } from "@tessera-lm/weights";
import { openSafetensorsFolder } from "@tessera-lm/weights/node";
import { UnsupportedModelError } from "../errors.ts";
import type { Family } from "../families/family.ts";
import { gpt2 } from "../families/gpt2.ts";
import { decoderFamilies, encoderDecoderFamilies, encoderFamilies } from "../families/index.ts";
import { readFields } from "../load-model.ts";
import type { ModelConfig } from "./anatomy.ts";

type Entries = ReadonlyMap<string, TensorEntry>;
type Reader = (
  fields: Parameters<Family<never, object>["readConfig"]>[0],
  file: string,
  entries: Entries,
) => ModelConfig;

/** By `model_type`. */
const READERS: ReadonlyMap<unknown, Reader> = new Map<unknown, Reader>([
  [gpt2.modelType, (...given) => ({ kind: "gpt2", ...gpt2.readConfig(...given) })],
  ...decoderFamilies.map((family): [unknown, Reader] => [
    family.modelType,
    (...given) => ({ kind: "decoder", ...family.readConfig(...given) }),
  ]),
  ...encoderFamilies.map((family): [unknown, Reader] => [
    family.modelType,
    (...given) => ({ kind: "encoder", ...family.readConfig(...given) }),
  ]),
  ...encoderDecoderFamilies.map((family): [unknown, Reader] => [
    family.modelType,
    (...given) => ({ kind: "encoder-decoder", ...family.readConfig(...given) }),
  ]),
]);

/**
 * The configuration of a model folder, to plan with: from its config.json, and where there are weights also from the
 * names of their tensors, which say what heads a model has. No weight is read.
 * @throws {ModelFileError | ConfigError | UnsupportedModelError} as `loadModel`
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const path = join(folder, "config.json");
  const fields = await readFields(path);
  const read = READERS.get(fields.model_type);
  if (read === undefined) throw new UnsupportedModelError(path, "model_type", fields.model_type, [...READERS.keys()]);
  return read(fields, path, await entriesOf(folder));
}

async function entriesOf(folder: string): Promise<Entries> {
  const hasWeights = ["model.safetensors", "model.safetensors.index.json"].some((file) =>
    existsSync(join(folder, file)),
  );
  if (!hasWeights) return new Map();
  const file = await openSafetensorsFolder(folder);
  await file.close();
  return file.entries;
}
