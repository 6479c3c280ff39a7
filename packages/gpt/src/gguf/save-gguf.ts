import { lstat, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { type Parameter, parameters } from "@tessera-lm/layers";
import type { StoredMatrix } from "@tessera-lm/ops";
import type { GgufData, GgufTensorToWrite, GgufValue, StorageType } from "@tessera-lm/weights";
import { openGgufFile, writeFileAtomic, writeGgufFile } from "@tessera-lm/weights/node";
import { Decoder } from "../decoder/decoder.ts";
import { Gpt2 } from "../decoder/gpt2.ts";
import { ArgumentError, TensorMismatchError, UnsupportedModelError } from "../errors.ts";
import { decoderFamily } from "../families/index.ts";
import { requireModel, requireOptions, requirePath } from "../require-argument.ts";
import { misfits, valuesInFile } from "../storage/saved-parts.ts";
import { storedMatrices } from "../storage/storable.ts";
import { bytesOf, formatFor } from "../storage/stored-matrix.ts";
import type { DerivedTensor, GgufArchitecture, GgufStoredTensor } from "./architecture.ts";
import { gpt2 } from "./gpt2.ts";
import { neighboursFirst } from "./head-rows.ts";
import { llama, qwen2 } from "./llama.ts";
import { modelfile } from "./modelfile.ts";
import { tokenizerMetadata } from "./tokenizer-metadata.ts";

export interface SaveGgufOptions {
  /** How matrices are stored; F16 where rows are no whole blocks of 32. Default: as the model has them. */
  readonly type?: StorageType;
  /**
   * What `tokenizerToGguf` of `@tessera-lm/tokenizer/gguf` makes of a tokenizer. With fewer tokens than the model has, the rest
   * are unused ones. `null`: none, for a file that takes and gives ids only: llama.cpp,
   * Ollama and LM Studio write no text with it.
   */
  readonly tokenizer: Iterable<readonly [key: string, value: GgufValue]> | null;
  /** `general.name`. Default: the name of the file. */
  readonly name?: string;
}

const TOKENIZER =
  "{ tokenizer: tokenizerToGguf(tokenizer) }, or { tokenizer: null } for a file that llama.cpp writes no text with";

/**
 * Writes a GPT-2, Llama, Mistral or Qwen2 as llama.cpp reads it, and so Ollama and LM Studio, and beside NAME.gguf a
 * NAME.Modelfile for `ollama create NAME -f NAME.Modelfile`; one
 * that somebody has changed stays as it is. Each file appears whole or not at all; weights are fetched from the backend
 * one after the other. Norms, biases and positions stay float32. The context of a model with a sliding window becomes the
 * window, within which both compute the same.
 * @throws {UnsupportedModelError} for a model that llama.cpp has no such architecture for, or more than three ends of a text
 * @throws {TokenizerMismatchError} for a tokenizer with more tokens than the model
 * @throws {TensorMismatchError} if a part of the model was replaced: merge adapters first
 * @throws {StorageTypeError | ArgumentError} for another type, for what is no model, path or options
 * @throws {TensorDataError} of `@tessera-lm/weights`, for weights that blocks cannot hold: NaN or ±∞
 * @throws {WriteError} of `@tessera-lm/weights`, when a file cannot be written
 */
export async function saveGguf(model: Gpt2 | Decoder, path: string, options: SaveGgufOptions): Promise<void> {
  requireModel("saveGguf", model);
  requirePath("saveGguf", path);
  requireOptions("saveGguf", options, TOKENIZER);
  if (options.tokenizer === undefined) throw new ArgumentError("saveGguf", "tokenizer", undefined, TOKENIZER);
  const form = formOf(model);
  const content = { own: parameters(model), stored: storedMatrices(model) };
  checkComplete(content, form.tensors);
  const tensors: [string, GgufTensorToWrite][] = [
    ...form.derived.map(({ name, data }): [string, GgufTensorToWrite] => [
      name,
      { dtype: "F32", shape: [data.length], data },
    ]),
    ...form.tensors.map((tensor): [string, GgufTensorToWrite] => [tensor.name, toWrite(tensor, content, options.type)]),
  ];
  const types = tensors.filter(([, { shape }]) => shape.length > 1).map(([, { dtype }]) => dtype);
  const metadata = [
    ...generalFields(form.architecture, options.name ?? basename(path).replace(/\.gguf$/, ""), types),
    ...form.fields.map(([name, value]) => [`${form.architecture}.${name}`, value] as const),
    [`${form.architecture}.vocab_size`, { type: "uint32", value: model.vocabSize }] as const,
    ...tokenizerMetadata(path, model.config, options.tokenizer),
  ];
  const beside = `${path.replace(/\.gguf$/, "")}.Modelfile`;
  const isOurs = await isUntouched(beside, path);
  await writeGgufFile(path, tensors, metadata);
  if (isOurs) await writeFileAtomic(beside, modelfile(basename(path), new Map(metadata)));
}

/** Whether there is no Modelfile yet, or the one that was written with the model at `path`: nobody changed it since. */
async function isUntouched(beside: string, path: string): Promise<boolean> {
  if (!(await lstat(beside).catch(() => undefined))) return true;
  const old = await openGgufFile(path).catch(() => undefined);
  await old?.close();
  const written = await readFile(beside, "utf8").catch(() => undefined);
  return old !== undefined && written === modelfile(basename(path), old.metadata);
}

/** A model as its file has it. */
interface GgufForm {
  readonly architecture: string;
  readonly fields: readonly (readonly [name: string, value: GgufValue])[];
  readonly tensors: readonly GgufStoredTensor[];
  readonly derived: readonly DerivedTensor[];
}

/** @throws {UnsupportedModelError} */
function formOf(model: Gpt2 | Decoder): GgufForm {
  if (model instanceof Gpt2) return formIn(gpt2, model.config);
  if (!(model instanceof Decoder)) {
    throw new ArgumentError("saveGguf", "the model", model, "a Gpt2 or a Decoder, which llama.cpp has such files for");
  }
  const { modelType } = decoderFamily(model.config);
  if (modelType === "qwen2") return formIn(qwen2, model.config);
  if (modelType === "llama" || modelType === "mistral") return formIn(llama, model.config);
  throw new UnsupportedModelError("saveGguf", "architecture", modelType, ["gpt2", "llama", "mistral", "qwen2"]);
}

const formIn = <Config>(architecture: GgufArchitecture<Config, Gpt2 | Decoder>, config: Config): GgufForm => ({
  architecture: architecture.name,
  fields: architecture.writeFields(config),
  tensors: architecture.tensors(config),
  derived: architecture.derived(config),
});

/** Numbers of `general.file_type`, by the type of most matrices. */
const FILE_TYPES: Readonly<Record<StorageType, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 };

function generalFields(
  architecture: string,
  name: string,
  types: readonly StorageType[],
): (readonly [string, GgufValue])[] {
  const count = (type: StorageType): number => types.filter((each) => each === type).length;
  const most = types.reduce((best, type) => (count(type) > count(best) ? type : best), "F32");
  return [
    ["general.architecture", { type: "string", value: architecture }],
    ["general.type", { type: "string", value: "model" }],
    ["general.name", { type: "string", value: name }],
    ["general.file_type", { type: "uint32", value: FILE_TYPES[most] }],
    ["general.quantization_version", { type: "uint32", value: 2 }],
  ];
}

/** What a model holds, by path. */
interface Content {
  readonly own: ReadonlyMap<string, Parameter>;
  readonly stored: ReadonlyMap<string, StoredMatrix>;
}

function toWrite(tensor: GgufStoredTensor, { own, stored }: Content, type?: StorageType): GgufTensorToWrite {
  const { shape, path } = tensor;
  const matrix = stored.get(path);
  const isMatrix = shape.length === 2 && path !== "positionEmbedding.weight";
  const dtype = isMatrix ? formatFor(type ?? matrix?.format ?? "F32", shape[1]) : "F32";
  const read = async (): Promise<GgufData> => {
    if (matrix?.format === dtype) return ordered(await bytesOf(matrix), tensor);
    return ordered(matrix ? matrix.unpack() : await valuesInFile(own.get(path), tensor), tensor);
  };
  return { dtype, shape, read };
}

function ordered<Values extends Float32Array | Uint8Array>(
  values: Values,
  { shape, headWidth }: GgufStoredTensor,
): Values {
  return headWidth === undefined ? values : neighboursFirst(values, shape[0], headWidth);
}

function checkComplete({ own, stored }: Content, tensors: readonly GgufStoredTensor[]): void {
  const problems = misfits("the file", [...own.keys(), ...stored.keys()], tensors);
  if (problems.length === 0) return;
  throw new TensorMismatchError("saveGguf: the model has other parts; merge or remove adapters first", problems);
}
