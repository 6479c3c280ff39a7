import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { GgufError, type StorageType, WrongFormatError } from "@tessera-lm/weights";
import {
  type DownloadOptions,
  downloadFromHub,
  fileInFolder,
  HubError,
  openGgufFile,
  openSafetensorsFolder,
  readText,
} from "@tessera-lm/weights/node";
import { ConfigError, ModelFileError, WrongKindError } from "../errors.ts";
import type { Json } from "../families/family.ts";
import { loadGguf } from "../gguf/load-gguf.ts";
import { requireOptions, requirePath } from "../require-argument.ts";
import { holdsLlama2c } from "./load-llama2c.ts";
import { type ModelKind, type ModelKinds, readModel, requireKind, requireKnown } from "./read-model.ts";
import { requireStorageType } from "./storage-type.ts";

export interface LoadModelOptions extends Omit<DownloadOptions, "files"> {
  /**
   * How linear layers, embeddings and heads are kept in memory: float32 (default), to be trained; or in fewer bits, to be
   * run, F16 where rows are no whole blocks of 32. Each tensor is quantised as it is read, so that memory holds the
   * model in this precision, one tensor of it, and little more. A GGUF file is kept as it is unless this is `F32`.
   */
  readonly precision?: StorageType;
}

/**
 * Opens a model: a folder in Hugging Face's layout (`config.json`, perhaps `generation_config.json`, and weights in
 * safetensors, in one file or in shards, as F32, F16 or BF16), a GGUF file, or a model of the Hugging Face Hub by its name
 * `owner/name`, or `owner/name/file.gguf`, which is downloaded into the cache that Hugging Face's clients share. Tensors are read some rows at a time:
 * memory holds the model, one tensor as it is kept, and little more.
 * @param place a folder, a file, or a name on the hub where there is no such folder or file
 * @param kind `decoder` (default) for GPT-2, Llama, Mistral and Qwen2, `encoder` for BERT, `encoder-decoder` for T5
 * @throws {ModelFileError} for a place that is missing, a config.json that is missing or is not JSON, or a file of another format
 * @throws {UnsupportedModelError} for another architecture, or a variant of one that computes something else
 * @throws {WrongKindError} for an architecture of another kind
 * @throws {ArgumentError | StorageTypeError} for a kind, a precision or a place that makes no sense
 * @throws {ConfigError} for a configuration that cannot be built
 * @throws {TensorMismatchError} for tensors that are missing, unknown or of another shape
 * @throws {ReadError | SafetensorsError | ShardIndexError | UnsupportedDTypeError} of `@tessera-lm/weights`, for weights
 *   that are missing, damaged or of another dtype
 * @throws {QuantizationError} of `@tessera-lm/weights`, for weights that the precision cannot hold
 * @throws {WrongFormatError} of `@tessera-lm/weights`, for a folder with nothing but a pickle, which is never opened; the
 *   message says how to convert it
 * @throws {HubError} of `@tessera-lm/weights`, for a model that cannot be downloaded, or of which only GGUF files are there,
 *   which the message lists; and as `loadGguf` for a file
 */
export async function loadModel<Kind extends ModelKind = "decoder">(
  place: string,
  kind: Kind = "decoder" as Kind,
  options: LoadModelOptions = {},
): Promise<ModelKinds[Kind]> {
  requireArguments(place, kind, options);
  const local = (await isThere(place)) ? place : await fetched(place, options);
  const found = await stat(local).catch((cause: Error) => {
    throw new ModelFileError(`Cannot read ${local}: ${cause.message}.`, { cause });
  });
  return found.isDirectory() ? loadFolder(local, kind, options) : loadFile(local, kind, options);
}

/** @throws {ArgumentError | StorageTypeError} for what JavaScript lets through */
function requireArguments(place: unknown, kind: unknown, options: LoadModelOptions): void {
  requirePath("loadModel", place);
  requireKind("loadModel", kind);
  requireOptions("loadModel", options);
  requireStorageType(options.precision ?? "F32");
}

/** `owner/name`, of the characters that the hub allows, and perhaps the path of a GGUF file in it. */
const HUB_NAME = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*?)(?:\/([\w./-]+\.gguf))?$/;

/** Where a model of the hub, or its file, lies in the cache. */
async function fetched(place: string, options: LoadModelOptions): Promise<string> {
  const [, name, file] = HUB_NAME.exec(place) ?? [];
  if (name === undefined) {
    throw new ModelFileError(
      `There is no file or folder ${place}. A model of the Hugging Face Hub is named owner/name, as in openai-community/gpt2.`,
    );
  }
  try {
    const folder = await downloadFromHub(name, file === undefined ? options : { ...options, files: [file] });
    return file === undefined ? folder : await fileInFolder(folder, file);
  } catch (cause) {
    if (!(cause instanceof HubError)) throw cause;
    throw new HubError(
      cause.reason,
      `${place} is no file or folder here, so it was looked for on the hub: ${cause.message}`,
      { cause },
    );
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

async function loadFile<Kind extends ModelKind>(
  path: string,
  kind: Kind,
  { precision }: LoadModelOptions,
): Promise<ModelKinds[Kind]> {
  try {
    if (kind === "decoder") return (await loadGguf(path, { unpack: precision === "F32" })).model as ModelKinds[Kind];
    await (await openGgufFile(path)).close();
  } catch (error) {
    throw await advised(error, path);
  }
  throw new WrongKindError(path, "GGUF", "decoder");
}

/** An error in a file that is no GGUF, or one that says how such a file is opened. */
async function advised(cause: unknown, path: string): Promise<unknown> {
  if (cause instanceof WrongFormatError && cause.found === "a safetensors file") {
    return new ModelFileError(`${path} holds weights alone. Pass the folder that they lie in, with config.json.`, {
      cause,
    });
  }
  const isLlama2c = cause instanceof GgufError && (await holdsLlama2c(path));
  return isLlama2c ? new ModelFileError(`${path} is a model of llama2.c: open it with loadLlama2c.`, { cause }) : cause;
}

async function loadFolder<Kind extends ModelKind>(
  folder: string,
  kind: Kind,
  { precision = "F32" }: LoadModelOptions,
): Promise<ModelKinds[Kind]> {
  const fields = await readFields(folder, "config.json");
  requireKnown(fields, kind, folder);
  const generationConfig = await readGenerationConfig(folder);
  const file = await openSafetensorsFolder(folder);
  try {
    return await readModel(fields, file, kind, { precision, place: folder, generationConfig });
  } finally {
    await file.close();
  }
}

/** The fields of a generation_config.json, which a folder need not have. */
async function readGenerationConfig(folder: string): Promise<Json> {
  const name = "generation_config.json";
  return (await isThere(join(folder, name))) ? readFields(folder, name) : {};
}

/** No configuration, even with the names of ten thousand labels, takes as much. */
const MAX_CONFIG_BYTES = 10_000_000;

/** The fields of a JSON file of a model folder. */
export async function readFields(folder: string, name: string): Promise<Json> {
  const path = join(folder, name);
  const text = await readConfigText(folder, name).catch((cause: Error) => {
    throw new ModelFileError(`${cause.message} A model folder holds config.json and model.safetensors.`, { cause });
  });
  const json = parsed(text, path);
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Json;
  throw new ConfigError(`${path}: expected an object, as transformers writes it; found ${JSON.stringify(json)}.`);
}

const readConfigText = async (folder: string, name: string): Promise<string> =>
  readText(await fileInFolder(folder, name), MAX_CONFIG_BYTES);

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ModelFileError(`${path} is not JSON: ${error.message}.`, { cause: error });
  }
}
