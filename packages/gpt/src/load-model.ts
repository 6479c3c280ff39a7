import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { dispose, parameters, zeros } from "@tessera-lm/layers";
import type { HostTensor, TensorFile } from "@tessera-lm/weights";
import { openSafetensorsFolder } from "@tessera-lm/weights/node";
import { assignStored } from "./assign-stored.ts";
import type { Decoder } from "./decoder.ts";
import type { Encoder } from "./encoder.ts";
import type { EncoderDecoder } from "./encoder-decoder.ts";
import { ConfigError, ModelFileError, TensorMismatchError, UnsupportedModelError, WrongKindError } from "./errors.ts";
import type { Family, Json, StoredTensor } from "./families/family.ts";
import { gpt2 } from "./families/gpt2.ts";
import { decoderFamilies, encoderDecoderFamilies, encoderFamilies } from "./families/index.ts";
import type { Gpt2 } from "./gpt2.ts";

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

/**
 * Opens a model folder in Hugging Face's layout: `config.json` and weights in safetensors, in one file or in shards, as
 * F32, F16 or BF16. Tensors are read one at a time and held as float32.
 * @param kind `decoder` (default) for GPT-2, Llama, Mistral and Qwen2, `encoder` for BERT, `encoder-decoder` for T5
 * @throws {ModelFileError} for a config.json that is missing or is not JSON
 * @throws {UnsupportedModelError} for another architecture, or a variant of one that computes something else
 * @throws {WrongKindError} for an architecture of another kind
 * @throws {ConfigError} for a configuration that cannot be built
 * @throws {TensorMismatchError} for tensors that are missing, unknown or of another shape
 * @throws {ReadError | SafetensorsError | ShardIndexError | UnsupportedDTypeError} of `@tessera-lm/weights`, for weights
 *   that are missing, damaged or of another dtype
 */
export async function loadModel<Kind extends ModelKind = "decoder">(
  folder: string,
  kind: Kind = "decoder" as Kind,
): Promise<ModelKinds[Kind]> {
  const configPath = join(folder, "config.json");
  const fields = await readFields(configPath);
  const read = readerOf(fields.model_type, kind, configPath);
  const file = await openSafetensorsFolder(folder);
  try {
    return await read({ path: folder, fields, configPath, file });
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

async function readFields(path: string): Promise<Json> {
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
  { path: folder, fields, configPath, file }: OpenFolder,
): Promise<Model> {
  const config = family.readConfig(fields, configPath, file.entries);
  const mismatch = `${folder} does not hold the ${family.name} of its config.json`;
  const stored = checkedTensors(family, config, file, mismatch);
  const read = (tensor: StoredTensor): Promise<Float32Array> => readFloats(file, tensor.name);
  const model = family.assemble((await family.settle?.(config, stored, read)) ?? config, zeros);
  try {
    const byPath = new Map(stored.map((tensor) => [tensor.path, tensor]));
    for (const [path, parameter] of parameters(model)) {
      const tensor = byPath.get(path) as StoredTensor;
      assignStored(parameter, tensor, await read(tensor));
    }
    return model;
  } catch (error) {
    dispose(model);
    throw error;
  }
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
