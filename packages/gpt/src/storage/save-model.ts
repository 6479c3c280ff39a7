import { join } from "node:path";
import { type Parameter, parameters } from "@tessera-lm/layers";
import type { TensorToWrite } from "@tessera-lm/weights";
import { writeFileAtomic, writeSafetensorsFolder } from "@tessera-lm/weights/node";
import { Gpt2 } from "../decoder/gpt2.ts";
import { Encoder } from "../encoder/encoder.ts";
import { EncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { TensorMismatchError } from "../errors.ts";
import type { Family, Json, StoredTensor } from "../families/family.ts";
import { gpt2 } from "../families/gpt2.ts";
import { decoderFamily, encoderDecoderFamilies, encoderFamilies, firstHolding } from "../families/index.ts";
import { requireModel, requirePath } from "../require-argument.ts";
import type { ModelKinds } from "./read-model.ts";
import { misfits, valuesInFile } from "./saved-parts.ts";
import { storedMatrices } from "./storable.ts";

/**
 * Writes a model as transformers does: `config.json`, `generation_config.json` and `model.safetensors` (float32, in
 * shards above 5 GB). A `Decoder` becomes a Llama, Mistral or Qwen2, whichever computes what it does, an
 * `Encoder` a BERT, an `EncoderDecoder` a T5; one that is none of them gets a format of our own, which only `loadModel` opens. Each file appears whole or not at all, and the folder
 * is made if it is missing. Weights are fetched from the backend one after the other, while the event loop runs: do not
 * change the model until the promise resolves.
 * @throws {TensorMismatchError} if a part of the model was replaced: merge adapters first; for a quantised one, too
 * @throws {ArgumentError} for what is no model, and for a folder that is no text
 * @throws {WriteError} of `@tessera-lm/weights`, when a file cannot be written
 */
export async function saveModel(model: ModelKinds[keyof ModelKinds], folder: string): Promise<void> {
  requireModel("saveModel", model);
  requirePath("saveModel", folder);
  const { name, config, tensors } = storedForm(model);
  const own = parameters(model);
  const problems = misfits(name, own.keys(), tensors);
  if (problems.length > 0) {
    const advice = storedMatrices(model).size > 0 ? ADVICE_IF_QUANTIZED : "merge or remove adapters first";
    throw new TensorMismatchError(`saveModel: the parameters are not those of a ${name}; ${advice}`, problems);
  }
  const toWrite = tensors.map((stored) => [stored.name, tensorToWrite(stored, own.get(stored.path))] as const);
  await writeSafetensorsFolder(folder, toWrite);
  await writeFileAtomic(join(folder, "config.json"), jsonText(config));
  await writeFileAtomic(join(folder, "generation_config.json"), jsonText(generationConfig(config)));
}

const ADVICE_IF_QUANTIZED =
  "it is quantised, which safetensors cannot hold: write it with saveGguf, or load it again in float32";

/** A model as its folder has it. */
interface StoredForm {
  readonly name: string;
  readonly config: Json;
  readonly tensors: readonly StoredTensor[];
}

function storedForm(model: ModelKinds[keyof ModelKinds]): StoredForm {
  if (model instanceof Gpt2) return formIn(gpt2, model.config);
  if (model instanceof Encoder) return formIn(firstHolding(encoderFamilies, model.config), model.config);
  if (model instanceof EncoderDecoder) return formIn(firstHolding(encoderDecoderFamilies, model.config), model.config);
  return formIn(decoderFamily(model.config), model.config);
}

const formIn = <Config>(family: Family<Config, object>, config: Config): StoredForm => ({
  name: family.name,
  config: family.writeConfig(config),
  tensors: family.tensors(config),
});

function tensorToWrite({ shape, transposed }: StoredTensor, parameter: Parameter | undefined): TensorToWrite {
  return { dtype: "F32", shape, read: () => valuesInFile(parameter, { shape, transposed }) };
}

function generationConfig({ bos_token_id, eos_token_id, pad_token_id, decoder_start_token_id }: Json): Json {
  return { _from_model_config: true, bos_token_id, eos_token_id, pad_token_id, decoder_start_token_id };
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
