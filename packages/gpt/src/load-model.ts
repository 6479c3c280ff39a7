import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { StoredMatrix } from "@tessera-lm/ops";
import type { HostTensor, StorageType, TensorFile } from "@tessera-lm/weights";
import { type DownloadOptions, downloadFromHub, openSafetensorsFolder } from "@tessera-lm/weights/node";
import type { Decoder } from "./decoder.ts";
import type { Encoder } from "./encoder.ts";
import type { EncoderDecoder } from "./encoder-decoder.ts";
import { ConfigError, ModelFileError, TensorMismatchError, UnsupportedModelError, WrongKindError } from "./errors.ts";
import type { Family, Json, StoredTensor } from "./families/family.ts";
import { gpt2 } from "./families/gpt2.ts";
import { decoderFamilies, encoderDecoderFamilies, encoderFamilies } from "./families/index.ts";
import { fillModel, hollow } from "./fill-model.ts";
import { loadGguf } from "./gguf/load-gguf.ts";
import type { Gpt2 } from "./gpt2.ts";
import { quantizedMatrix } from "./stored-matrix.ts";

/** What a model computes, and what its folder is opened as. */
export interface ModelKinds {
  /** The next token from those before. */
  readonly decoder: Gpt2 | Decoder;
  /** Features of every token, of which each sees all others. */
  readonly encoder: Encoder;
  /** A text from another one. */
  readonly "encoder-decoder": EncoderDecoder;
}

export type ModelKind = keyof ModelKinds;

/** A model folder of which nothing but config.json and the names of the tensors has been read. */
interface OpenFolder {
  readonly path: string;
  readonly fields: Json;
  readonly configPath: string;
  readonly file: TensorFile;
  readonly precision: StorageType;
}

type Reader<Model> = (folder: OpenFolder) => Promise<Model>;

const reader = <Config, Model extends object>(family: Family<Config, Model>): readonly [string, Reader<Model>] => [
  family.modelType,
  (folder) => readModel(family, folder),
];

/** By `model_type`. */
const READERS: { readonly [Kind in ModelKind]: ReadonlyMap<unknown, Reader<ModelKinds[Kind]>> } = {
  decoder: new Map<unknown, Reader<Gpt2 | Decoder>>([reader(gpt2), ...decoderFamilies.map(reader)]),
  encoder: new Map(encoderFamilies.map(reader)),
  "encoder-decoder": new Map(encoderDecoderFamilies.map(reader)),
};

export interface LoadModelOptions extends DownloadOptions {
  /**
   * How linear layers, embeddings and heads are kept in memory: float32 (default), to be trained; or in fewer bits, to be
   * run, F16 where rows are no whole blocks of 32. Each tensor is quantised as it is read, so that memory never holds the
   * model in float32. A GGUF file is kept as it is unless this is `F32`.
   */
  readonly precision?: StorageType;
}

/**
 * Opens a model: a folder in Hugging Face's layout (`config.json` and weights in safetensors, in one file or in shards, as
 * F32, F16 or BF16), a GGUF file, or a model of the Hugging Face Hub by its name `owner/name`, which is downloaded into
 * the cache that Hugging Face's clients share. Tensors are read one at a time: memory holds the model and one tensor.
 * @param place a folder, a file, or `owner/name` where there is no such folder
 * @param kind `decoder` (default) for GPT-2, Llama, Mistral and Qwen2, `encoder` for BERT, `encoder-decoder` for T5
 * @throws {ModelFileError} for a config.json that is missing or is not JSON
 * @throws {UnsupportedModelError} for another architecture, or a variant of one that computes something else
 * @throws {WrongKindError} for an architecture of another kind
 * @throws {ConfigError} for a configuration that cannot be built
 * @throws {TensorMismatchError} for tensors that are missing, unknown or of another shape
 * @throws {ReadError | SafetensorsError | ShardIndexError | UnsupportedDTypeError} of `@tessera-lm/weights`, for weights
 *   that are missing, damaged or of another dtype
 * @throws {WrongFormatError} of `@tessera-lm/weights`, for a folder with nothing but a pickle, which is never opened; the
 *   message says how to convert it
 * @throws {HubError} of `@tessera-lm/weights`, for a model that cannot be downloaded; and as `loadGguf` for a file
 */
export async function loadModel<Kind extends ModelKind = "decoder">(
  place: string,
  kind: Kind = "decoder" as Kind,
  options: LoadModelOptions = {},
): Promise<ModelKinds[Kind]> {
  const found = await stat(place).catch(() => undefined);
  if (found?.isFile()) return loadFile(place, kind, options);
  const isName = found === undefined && HUB_NAME.test(place);
  return loadFolder(isName ? await downloadFromHub(place, options) : place, kind, options);
}

/** `owner/name`, of the characters that the hub allows. */
const HUB_NAME = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;

async function loadFile<Kind extends ModelKind>(
  path: string,
  kind: Kind,
  { precision }: LoadModelOptions,
): Promise<ModelKinds[Kind]> {
  if (kind !== "decoder") throw new WrongKindError(path, "GGUF", "decoder");
  const { model } = await loadGguf(path, { unpack: precision === "F32" });
  return model as ModelKinds[Kind];
}

async function loadFolder<Kind extends ModelKind>(
  folder: string,
  kind: Kind,
  { precision = "F32" }: LoadModelOptions,
): Promise<ModelKinds[Kind]> {
  const configPath = join(folder, "config.json");
  const fields = await readFields(configPath);
  const read = readerOf(fields.model_type, kind, configPath);
  const file = await openSafetensorsFolder(folder);
  try {
    return await read({ path: folder, fields, configPath, file, precision });
  } finally {
    await file.close();
  }
}

/** How a folder of this `model_type` is read. @throws {UnsupportedModelError} that lists the known ones */
function readerOf<Kind extends ModelKind>(type: unknown, kind: Kind, file: string): Reader<ModelKinds[Kind]> {
  const readers: ReadonlyMap<unknown, Reader<ModelKinds[Kind]>> = READERS[kind];
  const read = readers.get(type);
  if (read !== undefined) return read;
  const other = Object.entries(READERS).find(([, others]) => others.has(type))?.[0];
  if (other === undefined) {
    throw new UnsupportedModelError(
      file,
      "model_type",
      type,
      [...Object.values(READERS)].flatMap((each) => [...each.keys()]),
    );
  }
  throw new WrongKindError(file, String(type), other);
}

/** The fields of a config.json. */
export async function readFields(path: string): Promise<Json> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new ModelFileError(`Cannot read ${path}. A model folder holds config.json and model.safetensors.`, { cause });
  });
  const json = parsed(text, path);
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Json;
  throw new ConfigError(`${path}: expected an object, as transformers writes it; found ${JSON.stringify(json)}.`);
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ModelFileError(`${path} is not JSON: ${error.message}.`, { cause: error });
  }
}

async function readModel<Config, Model extends object>(
  family: Family<Config, Model>,
  { path: folder, fields, configPath, file, precision }: OpenFolder,
): Promise<Model> {
  const config = family.readConfig(fields, configPath, file.entries);
  const mismatch = `${folder} does not hold the ${family.name} of its config.json`;
  const stored = checkedTensors(family, config, file, mismatch);
  const floats = (tensor: StoredTensor): Promise<Float32Array> => readFloats(file, tensor.name);
  const model = family.assemble((await family.settle?.(config, stored, floats)) ?? config, hollow);
  const matrix = async (tensor: StoredTensor, isTable: boolean): Promise<StoredMatrix | undefined> => {
    if (precision === "F32") return undefined;
    const [rows, columns] = tensor.shape as readonly [number, number];
    const values = await floats(tensor);
    if (isTable || tensor.transposed) return quantizedMatrix(values, precision, [rows, columns]);
    return quantizedMatrix(transposed(values, rows, columns), precision, [columns, rows]);
  };
  await fillModel(model, stored, { floats, matrix });
  return model;
}

/** (rows, columns) → (columns, rows) */
function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) turned[column * rows + row] = values[row * columns + column];
  }
  return turned;
}

/** The family's tensors under the names that they have in the file. @throws {TensorMismatchError} */
function checkedTensors<Config>(
  family: Family<Config, object>,
  config: Config,
  { entries }: TensorFile,
  mismatch: string,
): StoredTensor[] {
  const numLayers = family.numLayers(config);
  if (numLayers > entries.size) {
    throw new TensorMismatchError(mismatch, [`it has ${entries.size} tensors for ${numLayers} layers`]);
  }
  const names = namesIn(family, config, entries);
  const problems: string[] = [];
  const found = family.tensors(config).map((stored) => {
    const usual = nameIn(names, stored.name, family.prefix);
    const name = names.get(usual) ?? usual;
    names.delete(usual);
    const shape = entries.get(name)?.shape;
    if (shape === undefined) problems.push(`missing: ${name} [${stored.shape}]`);
    else if (String(shape) !== String(stored.shape)) problems.push(`${name} is [${shape}], expected [${stored.shape}]`);
    return { ...stored, name };
  });
  for (const name of names.values()) problems.push(`unknown: ${name}`);
  if (problems.length > 0) throw new TensorMismatchError(mismatch, problems);
  return found;
}

/** The tensors of a file that matter: their usual names, and those that they have there. */
function namesIn<Config>(
  { isIgnored, canonical = (name) => name }: Family<Config, object>,
  config: Config,
  entries: TensorFile["entries"],
): Map<string, string> {
  const names = [...entries.keys()].filter((name) => !isIgnored(name, config));
  return new Map(names.map((name) => [canonical(name), name]));
}

/** The usual name of a tensor in the file: files of a model without its head leave out the prefix. */
function nameIn(names: ReadonlyMap<string, string>, name: string, prefix: string): string {
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return !names.has(name) && names.has(bare) ? bare : name;
}

async function readFloats(file: TensorFile, name: string): Promise<Float32Array> {
  const { data, dtype }: HostTensor = await file.read(name);
  if (data instanceof Float32Array) return data;
  throw new TensorMismatchError("loadModel: weights are F32, F16 or BF16", [`${name} is ${dtype}`]);
}
