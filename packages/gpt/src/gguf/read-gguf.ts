import type { StoredMatrix } from "@tessera-lm/ops";
import type { GgufFile, GgufValue } from "@tessera-lm/weights";
import type { Decoder } from "../decoder/decoder.ts";
import type { Gpt2 } from "../decoder/gpt2.ts";
import { TensorMismatchError, TokenizerMismatchError, UnsupportedModelError } from "../errors.ts";
import { bandsOf } from "../storage/bands.ts";
import { fillModel, hollow, type WeightSource } from "../storage/fill-model.ts";
import { storedMatrix } from "../storage/stored-matrix.ts";
import type { GgufArchitecture, GgufStoredTensor } from "./architecture.ts";
import { GgufFields } from "./fields.ts";
import { gpt2 } from "./gpt2.ts";
import { halvesFirst } from "./head-rows.ts";
import { llama, qwen2 } from "./llama.ts";

export interface ReadGgufOptions {
  /** Makes every weight float32, so that the model can be trained and saved anywhere. Default false. */
  readonly unpack?: boolean;
  /** What errors call the file. Default `the file`. */
  readonly place?: string;
}

/** A model of a GGUF file, and what else the file says. */
export interface GgufModel {
  readonly model: Gpt2 | Decoder;
  /** By key. `tokenizerFromGguf` of `@tessera-lm/tokenizer/gguf` makes the tokenizer in it. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
}

interface OpenFile {
  readonly place: string;
  readonly file: GgufFile;
  readonly fields: GgufFields;
  readonly unpack: boolean;
}

type Reader = (open: OpenFile) => Promise<Gpt2 | Decoder>;

const reader = <Config, Model extends Gpt2 | Decoder>(
  architecture: GgufArchitecture<Config, Model>,
): readonly [string, Reader] => [architecture.name, (open) => readModel(architecture, open)];

/** By `general.architecture`. */
const READERS: ReadonlyMap<string, Reader> = new Map([reader(gpt2), reader(llama), reader(qwen2)]);

/**
 * A model from an opened GGUF file, wherever that comes from: in a browser, from what was fetched. `loadGguf` of
 * `@tessera-lm/gpt/node` does it with a path. Tensors are read one at a time; the file stays open.
 * @param file of `openGguf` of `@tessera-lm/weights`
 * @throws {ModelFileError} for metadata that are missing or of another type
 * @throws {UnsupportedModelError} for another architecture, or a variant of one that computes something else
 * @throws {ConfigError} for metadata that no model has
 * @throws {TensorMismatchError} for tensors that are missing, unknown, or of another shape or type
 * @throws {TokenizerMismatchError} for a tokenizer with another number of tokens than the model
 */
export async function readGguf(file: GgufFile, options: ReadGgufOptions = {}): Promise<GgufModel> {
  const { place = "the file", unpack = false } = options;
  const fields = new GgufFields(place, file.metadata);
  const read = READERS.get(fields.architecture);
  if (read === undefined) {
    throw new UnsupportedModelError(place, "general.architecture", fields.architecture, [...READERS.keys()]);
  }
  return { model: await read({ place, file, fields, unpack }), metadata: file.metadata };
}

async function readModel<Config, Model extends Gpt2 | Decoder>(
  architecture: GgufArchitecture<Config, Model>,
  { place, file, fields, unpack }: OpenFile,
): Promise<Model> {
  const layers = fields.required("block_count");
  if (layers > file.entries.size) {
    throw new TensorMismatchError(place, [`it has ${file.entries.size} tensors for ${layers} layers`]);
  }
  const read = async (name: string): Promise<Float32Array> => (await file.read(name)).data;
  if (!file.entries.has("token_embd.weight")) throw new TensorMismatchError(place, ["missing: token_embd.weight"]);
  const config = await architecture.readConfig(fields, file.entries, read);
  const tensors = architecture.tensors(config);
  checkTensors(place, architecture, tensors, file);
  checkTokenizer(place, file);
  const model = architecture.assemble(config, hollow);
  await fillModel(model, tensors, weightsOf(file, unpack));
  return model;
}

/** @throws {TensorMismatchError} that lists every tensor which is missing, unknown, or of another shape or type */
function checkTensors(
  place: string,
  architecture: Pick<GgufArchitecture<never, never>, "isIgnored">,
  tensors: readonly GgufStoredTensor[],
  { entries }: GgufFile,
): void {
  const unknown = new Set([...entries.keys()].filter((name) => !architecture.isIgnored(name)));
  const problems: string[] = [];
  for (const { name, shape } of tensors) {
    const entry = entries.get(name);
    unknown.delete(name);
    if (entry === undefined) problems.push(`missing: ${name} [${shape}]`);
    else if (String(entry.shape) !== String(shape)) problems.push(`${name} is [${entry.shape}], expected [${shape}]`);
    else if (!READ_TYPES.includes(entry.dtype)) {
      problems.push(`${name} is ${entry.dtype}; read are ${READ_TYPES.join(", ")}`);
    }
  }
  problems.push(...[...unknown].map((name) => `unknown: ${name}`));
  if (problems.length > 0) throw new TensorMismatchError(`${place} does not hold the model of its metadata`, problems);
}

const READ_TYPES: readonly string[] = ["F32", "F16", "BF16", "Q8_0", "Q4_0"];

function checkTokenizer(place: string, { metadata, entries }: GgufFile): void {
  const tokens = metadata.get("tokenizer.ggml.tokens")?.value;
  const rows = entries.get("token_embd.weight")?.shape[0] as number;
  if (!Array.isArray(tokens) || tokens.length === rows) return;
  throw new TokenizerMismatchError(place, tokens.length, rows);
}

function weightsOf(file: GgufFile, unpack: boolean): WeightSource {
  return {
    async *floats(tensor: GgufStoredTensor) {
      for (const [start, end] of bandsOf(tensor.shape, tensor.headWidth)) {
        const { data, shape } = await file.readRows(tensor.name, start, end);
        yield ordered(data, { ...tensor, shape });
      }
    },
    async matrix(tensor: GgufStoredTensor): Promise<StoredMatrix | undefined> {
      const format = file.entries.get(tensor.name)?.dtype as StoredMatrix["format"];
      if (unpack || format === "F32") return undefined;
      const bytes = ordered(await file.readBytes(tensor.name), tensor);
      return storedMatrix(bytes, format, tensor.shape as readonly [number, number]);
    },
  };
}

/** The rows of a matrix, or the numbers of a bias, in our order. */
function ordered<Values extends Float32Array | Uint8Array>(
  values: Values,
  { shape, headWidth }: GgufStoredTensor,
): Values {
  return headWidth === undefined ? values : halvesFirst(values, shape[0], headWidth);
}
