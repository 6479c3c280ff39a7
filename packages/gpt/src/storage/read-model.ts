import type { StoredMatrix } from "@tessera-lm/ops";
import { blockValues, type StorageType, type TensorEntry, type TensorFile } from "@tessera-lm/weights";
import type { Decoder } from "../decoder/decoder.ts";
import type { Gpt2 } from "../decoder/gpt2.ts";
import type { Encoder } from "../encoder/encoder.ts";
import type { EncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { ArgumentError, TensorMismatchError, UnsupportedModelError, WrongKindError } from "../errors.ts";
import type { Family, Json, StoredTensor } from "../families/family.ts";
import { gpt2 } from "../families/gpt2.ts";
import { decoderFamilies, encoderDecoderFamilies, encoderFamilies } from "../families/index.ts";
import { requireTokenIds } from "../families/token-ids.ts";
import { bandsOf, putTurned } from "./bands.ts";
import { allFloats, fillModel, hollow } from "./fill-model.ts";
import { requireStorageType } from "./storage-type.ts";
import { QuantizedParts } from "./stored-matrix.ts";

/** What a model computes, and what it is opened as. */
export interface ModelKinds {
  /** The next token from those before. */
  readonly decoder: Gpt2 | Decoder;
  /** Features of every token, of which each sees all others. */
  readonly encoder: Encoder;
  /** A text from another one. */
  readonly "encoder-decoder": EncoderDecoder;
}

export type ModelKind = keyof ModelKinds;

/** A model of which nothing but config.json and the names of the tensors has been read. */
interface Opened {
  readonly fields: Json;
  readonly file: TensorFile;
  readonly place: string;
  readonly precision: StorageType;
}

type Reader<Model> = (opened: Opened) => Promise<Model>;

const reader = <Config, Model extends object>(family: Family<Config, Model>): readonly [string, Reader<Model>] => [
  family.modelType,
  (opened) => readFamily(family, opened),
];

/** By `model_type`. */
const READERS: { readonly [Kind in ModelKind]: ReadonlyMap<unknown, Reader<ModelKinds[Kind]>> } = {
  decoder: new Map<unknown, Reader<Gpt2 | Decoder>>([reader(gpt2), ...decoderFamilies.map(reader)]),
  encoder: new Map(encoderFamilies.map(reader)),
  "encoder-decoder": new Map(encoderDecoderFamilies.map(reader)),
};

export interface ReadModelOptions {
  /**
   * How linear layers, embeddings and heads are kept in memory: float32 (default), to be trained; or in fewer bits, to be
   * run, F16 where rows are no whole blocks of 32. Each tensor is quantised as it is read, so that memory holds the
   * model in this precision, one tensor of it, and little more.
   */
  readonly precision?: StorageType;
  /** `generation_config.json`, parsed: its `eos_token_id` wins over that of `config.json`, as in transformers. */
  readonly generationConfig?: Json;
  /** What errors call the place that the model comes from. Default `the model`. */
  readonly place?: string;
}

/**
 * A model from its `config.json` and its tensors, wherever they come from: in a browser, from what was fetched.
 * `loadModel` of `@tessera-lm/gpt/node` does it with a folder. Tensors are read some rows at a
 * time: memory holds the model, one tensor as it is kept, and little more.
 * @param fields config.json, parsed, in the form of transformers
 * @param file of `openSafetensors` of `@tessera-lm/weights`, for instance; it stays open
 * @param kind `decoder` (default) for GPT-2, Llama, Mistral and Qwen2, `encoder` for BERT, `encoder-decoder` for T5
 * @throws {UnsupportedModelError} for another architecture, or a variant of one that computes something else
 * @throws {WrongKindError} for an architecture of another kind
 * @throws {ConfigError} for a configuration that cannot be built
 * @throws {TensorMismatchError} for tensors that are missing, unknown, of another shape or no floats
 * @throws {ArgumentError | StorageTypeError} for a kind or a precision that there is not
 */
export async function readModel<Kind extends ModelKind = "decoder">(
  fields: Readonly<Record<string, unknown>>,
  file: TensorFile,
  kind: Kind = "decoder" as Kind,
  { precision = "F32", place = "the model", generationConfig = {} }: ReadModelOptions = {},
): Promise<ModelKinds[Kind]> {
  requireKind("readModel", kind);
  requireStorageType(precision);
  const read = readerOf(fields.model_type, kind, `${place}/config.json`);
  requireTokenIds(fields, `${place}/config.json`);
  requireTokenIds(generationConfig, `${place}/generation_config.json`);
  const eos_token_id = generationConfig.eos_token_id ?? fields.eos_token_id;
  const all = eos_token_id === undefined ? fields : { ...fields, eos_token_id };
  return await read({ fields: all, file, place, precision });
}

/** @throws {ArgumentError} for a kind that there is not, as JavaScript lets through */
export function requireKind(where: string, kind: unknown): void {
  const kinds = Object.keys(READERS);
  if (kinds.includes(kind as string)) return;
  throw new ArgumentError(where, "kind", kind, kinds.map((each) => JSON.stringify(each)).join(" or "));
}

/** Before weights are looked for. @throws {UnsupportedModelError | WrongKindError} as {@link readModel} */
export function requireKnown(fields: Json, kind: ModelKind, place: string): void {
  readerOf(fields.model_type, kind, `${place}/config.json`);
}

/** How a model of this `model_type` is read. @throws {UnsupportedModelError} that lists the known ones */
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

async function readFamily<Config, Model extends object>(
  family: Family<Config, Model>,
  { fields, file, place, precision }: Opened,
): Promise<Model> {
  const { config, stored } = await openFamily(family, { fields, file, place });
  const model = family.assemble(config, hollow);
  const floats = (tensor: StoredTensor): AsyncIterable<Float32Array> => readFloats(file, tensor);
  const matrix = async (tensor: StoredTensor, isTable: boolean): Promise<StoredMatrix | undefined> => {
    if (precision === "F32") return undefined;
    return isTable || tensor.transposed ? byRows(file, tensor, precision) : byColumns(file, tensor, precision);
  };
  await fillModel(model, stored, { floats, matrix });
  return model;
}

/**
 * The configuration of a model, and its tensors in the file. No weight is read but those that the configuration hangs on.
 * @throws {UnsupportedModelError | ConfigError | TensorMismatchError} as {@link readModel}
 */
export async function openFamily<Config>(
  family: Family<Config, object>,
  { fields, file, place }: Omit<Opened, "precision">,
): Promise<{ readonly config: Config; readonly stored: readonly StoredTensor[] }> {
  const config = family.readConfig(fields, `${place}/config.json`, file.entries);
  const mismatch = `${place} does not hold the ${family.name} of its config.json`;
  const stored = checkedTensors(family, config, file, mismatch);
  const all = (tensor: StoredTensor): Promise<Float32Array> => allFloats(readFloats(file, tensor), tensor.shape);
  return { config: (await family.settle?.(config, stored, all)) ?? config, stored };
}

/** A matrix that lies in the file as (outputs, inputs). */
async function byRows(file: TensorFile, tensor: StoredTensor, precision: StorageType): Promise<StoredMatrix> {
  const [outputs, inputs] = tensor.shape;
  const parts = new QuantizedParts(tensor.name, precision, [outputs, inputs]);
  let row = 0;
  for await (const band of readFloats(file, tensor)) {
    parts.put(band, inputs, row);
    row += band.length / inputs;
  }
  return parts.matrix();
}

/** A matrix that lies in the file as (inputs, outputs): some rows there are some columns of ours, whole blocks of them. */
async function byColumns(file: TensorFile, tensor: StoredTensor, precision: StorageType): Promise<StoredMatrix> {
  const [inputs, outputs] = tensor.shape;
  const parts = new QuantizedParts(tensor.name, precision, [outputs, inputs]);
  let column = 0;
  for await (const band of readFloats(file, tensor, blockValues(parts.format))) {
    const width = band.length / outputs;
    const turned = new Float32Array(band.length);
    putTurned(band, 0, [width, outputs], turned);
    parts.put(turned, width, 0, column);
    column += width;
  }
  return parts.matrix();
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
    const entry = entries.get(name);
    if (entry === undefined) problems.push(`missing: ${name} [${stored.shape}]`);
    else problems.push(...mismatches(name, entry, stored));
    return { ...stored, name };
  });
  for (const name of names.values()) problems.push(`unknown: ${name}`);
  if (problems.length > 0) throw new TensorMismatchError(mismatch, problems);
  return found;
}

function mismatches(name: string, { shape, dtype }: TensorEntry, stored: StoredTensor): string[] {
  return [
    ...(String(shape) === String(stored.shape) ? [] : [`${name} is [${shape}], expected [${stored.shape}]`]),
    ...(FLOATS.includes(dtype) ? [] : [`${name} is ${dtype}, expected ${FLOATS.join(", ")}`]),
  ];
}

/** What weights may be in a file. */
const FLOATS: readonly string[] = ["F32", "F16", "BF16"];

/** The tensors of a file that matter: their usual names, and those that they have there, which may be the same. */
function namesIn<Config>(
  { isIgnored, canonical = (name) => name }: Family<Config, object>,
  config: Config,
  entries: TensorFile["entries"],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of entries.keys()) {
    const usual = canonical(name);
    if (!isIgnored(name, config) && (usual === name || !found.has(usual))) found.set(usual, name);
  }
  return found;
}

/** The usual name of a tensor in the file: files of a model without its head leave out the prefix. */
function nameIn(names: ReadonlyMap<string, string>, name: string, prefix: string): string {
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return !names.has(name) && names.has(bare) ? bare : name;
}

/** The numbers of a tensor, which `checkedTensors` has seen to be floats, a multiple of `unit` rows at a time. */
async function* readFloats(file: TensorFile, { name, shape }: StoredTensor, unit = 1): AsyncGenerator<Float32Array> {
  for (const [start, end] of bandsOf(shape, unit)) {
    yield (await file.readRows(name, start, end)).data as Float32Array;
  }
}
