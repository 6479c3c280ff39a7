import { join } from "node:path";
import {
  fileInFolder,
  openSafetensorsFile,
  readText,
  writeFileAtomic,
  writeSafetensorsFile,
} from "@tessera-lm/weights/node";
import { adapterOf, attach, type LoraAdapter, requireNoAdapter } from "./adapter.ts";
import { fromAdapterConfig, toAdapterConfig } from "./adapter-config.ts";
import { adapterTensors, type ModuleName, readAdapterTensors } from "./adapter-tensors.ts";
import { AdapterFileError } from "./errors.ts";
import type { LoraLinear } from "./lora-linear.ts";
import { linearLayers, namesOf } from "./targets.ts";

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";

export interface LoadAdapterOptions {
  /**
   * The name of a layer in Hugging Face's model from its path in ours: `huggingFaceNames` of `@tessera-lm/gpt`, for
   * instance. Default: the same.
   */
  readonly moduleName?: ModuleName;
}

export interface SaveAdapterOptions extends LoadAdapterOptions {
  /** The model that the adapter belongs to, for `base_model_name_or_path`. Default: not said. */
  readonly baseModel?: string;
  /** Whether Hugging Face's model keeps the weights of these layers as (in, out): true, the default, for GPT-2. */
  readonly fanInFanOut?: boolean;
}

const sameName: ModuleName = (path) => path;

/**
 * Writes the model's adapter as PEFT does: `adapter_config.json` and `adapter_model.safetensors` (float32), for
 * `PeftModel.from_pretrained` and `loadAdapter`. Each file appears whole or not at all.
 * @throws AdapterStateError when the model has no adapter.
 * @throws WriteError of `@tessera-lm/weights` when a file cannot be written.
 */
export async function saveAdapter(model: object, folder: string, options: SaveAdapterOptions = {}): Promise<void> {
  const { moduleName = sameName, baseModel, fanInFanOut = true } = options;
  const adapted = adapterOf(model).modules;
  const [{ lora }] = adapted.values() as Iterable<LoraLinear> as [LoraLinear];
  const others = [...linearLayers(model).keys()];
  const chosen = new Set([...adapted.keys()].map(moduleName));
  const targetModules = namesOf(chosen, others.map(moduleName));
  const config = toAdapterConfig(lora, { targetModules, baseModel, fanInFanOut });
  await writeSafetensorsFile(join(folder, WEIGHTS), adapterTensors(adapted, moduleName), { format: "pt" });
  await writeFileAtomic(join(folder, CONFIG), `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Puts an adapter that PEFT or `saveAdapter` wrote onto a model, as `applyLora` would. All of it is read and checked
 * first: on an error the model is as it was.
 * @throws AdapterFileError when a file is missing, or the configuration is malformed.
 * @throws UnsupportedAdapterError when the adapter is no plain LoRA (DoRA, trained biases, other ranks per layer, …).
 * @throws AdapterMismatchError when the adapter's layers or shapes are not those of the model.
 * @throws AdapterStateError when the model has an adapter already.
 * @throws SafetensorsError, ReadError of `@tessera-lm/weights` when the weight file is damaged.
 */
export async function loadAdapter(
  model: object,
  folder: string,
  options: LoadAdapterOptions = {},
): Promise<LoraAdapter> {
  const { moduleName = sameName } = options;
  requireNoAdapter(model);
  const lora = fromAdapterConfig(await readConfig(folder), join(folder, CONFIG));
  const path = await fileInFolder(folder, WEIGHTS);
  const file = await openSafetensorsFile(path);
  try {
    return attach(model, await readAdapterTensors(file, linearLayers(model), lora, moduleName, path));
  } finally {
    await file.close();
  }
}

/** No adapter's configuration takes as much. */
const MAX_CONFIG_BYTES = 10_000_000;

async function readConfig(folder: string): Promise<string> {
  try {
    return await readText(await fileInFolder(folder, CONFIG), MAX_CONFIG_BYTES);
  } catch (cause) {
    const problem = `cannot be read (${(cause as Error).message}); an adapter folder holds ${CONFIG} and ${WEIGHTS}`;
    throw new AdapterFileError(join(folder, CONFIG), problem, { cause });
  }
}
