import { MetadataError, QuantizationError, TensorDataError } from "../errors.ts";
import { isStorageType, quantize, STORAGE_TYPES, type StorageType } from "../quantize/quantize.ts";
import { describe, elementCount, type TensorEntry } from "../tensor.ts";
import { ByteWriter } from "./byte-writer.ts";
import { ggmlTypeNumber } from "./ggml-types.ts";
import { ALIGNMENT_KEY, DEFAULT_ALIGNMENT, entryBytes, MAGIC, MAX_DIMENSIONS } from "./header.ts";
import type { GgufValue } from "./values.ts";
import { writeValue } from "./write-value.ts";

const VERSION = 3;

/** ggml keeps a name in 64 bytes of which the last is zero. */
const MAX_NAME_BYTES = 63;

/** Values that are quantised at a time, a multiple of every block, so that no second copy of a tensor exists. */
const VALUES_AT_A_TIME = 1 << 20;

/** float32 values to be stored as the tensor's dtype, or bytes that are stored so already. */
export type GgufData = Float32Array | Uint8Array;

/** A tensor for a GGUF file: its data, or `read` that fetches them when its turn comes. */
export type GgufTensorToWrite = TensorEntry & { readonly dtype: StorageType } & (
    | { readonly data: GgufData }
    | { read(): Promise<GgufData> }
  );

/**
 * Writes tensors and metadata as GGUF of version 3, chunk by chunk, byte for byte as Python's `gguf` does for the same
 * order of keys and tensors. Values are rounded to nearest (F16, BF16) or quantised (Q8_0, Q4_0, whose rows are
 * multiples of 32 wide) on the way.
 * Memory: no tensor is copied as a whole, and one with `read` is fetched when its turn comes and then let go.
 * @param metadata in the order in which it is written; `general.alignment`, 32 by default, is respected
 * @throws TensorDataError, MetadataError while iterating; errors of `read` pass through
 */
export async function* encodeGguf(
  tensors: Iterable<readonly [name: string, tensor: GgufTensorToWrite]>,
  metadata: Iterable<readonly [key: string, value: GgufValue]> = [],
): AsyncGenerator<Uint8Array, void> {
  const list = [...tensors];
  const values = new Map(metadata);
  const alignment = alignmentOf(values);
  const header = encodeHeader(list, values, alignment);
  yield header;
  yield padding(header.length, alignment);
  for (const [name, tensor] of list) {
    yield* encodeTensor(name, tensor, "read" in tensor ? await tensor.read() : tensor.data);
    yield padding(checkedBytes(name, tensor), alignment);
  }
}

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>): number {
  const value = metadata.get(ALIGNMENT_KEY)?.value ?? DEFAULT_ALIGNMENT;
  if (typeof value === "number" && value > 0 && (value & (value - 1)) === 0) return value;
  throw new MetadataError(ALIGNMENT_KEY, `${String(value)} is no power of two`);
}

const padding = (length: number, alignment: number): Uint8Array => new Uint8Array(-length & (alignment - 1));

function encodeHeader(
  tensors: readonly (readonly [name: string, tensor: GgufTensorToWrite])[],
  metadata: ReadonlyMap<string, GgufValue>,
  alignment: number,
): Uint8Array {
  const writer = new ByteWriter();
  for (const letter of MAGIC) writer.uint8(letter.charCodeAt(0));
  writer.uint32(VERSION);
  writer.uint64(tensors.length);
  writer.uint64(metadata.size);
  for (const [key, value] of metadata) {
    writer.string(key);
    writeValue(writer, key, value);
  }
  encodeEntries(writer, tensors, alignment);
  return writer.bytes();
}

function encodeEntries(
  writer: ByteWriter,
  tensors: readonly (readonly [name: string, tensor: GgufTensorToWrite])[],
  alignment: number,
): void {
  const names = new Set<string>();
  let start = 0;
  for (const [name, tensor] of tensors) {
    const bytes = checkedBytes(name, tensor);
    if (names.has(name)) throw new TensorDataError(name, "the name is already taken");
    names.add(name);
    writer.string(name);
    writer.uint32(tensor.shape.length);
    for (const size of [...tensor.shape].reverse()) writer.uint64(size);
    writer.uint32(ggmlTypeNumber(tensor.dtype));
    writer.uint64(start);
    start += bytes + padding(bytes, alignment).length;
  }
}

/** The tensor's bytes in the file. @throws TensorDataError where ggml takes no such tensor */
function checkedBytes(name: string, tensor: GgufTensorToWrite): number {
  const { dtype, shape } = tensor;
  if (!isStorageType(dtype)) throw new TensorDataError(name, `${dtype} is none of ${STORAGE_TYPES.join(", ")}`);
  if (new TextEncoder().encode(name).length > MAX_NAME_BYTES) {
    throw new TensorDataError(
      name,
      `the name is longer than ${MAX_NAME_BYTES} bytes, which is the most that GGUF takes`,
    );
  }
  if (shape.length > MAX_DIMENSIONS) throw new TensorDataError(name, `${MAX_DIMENSIONS} dimensions are the most`);
  const bytes = entryBytes(tensor);
  if (bytes !== undefined) return bytes;
  throw new TensorDataError(name, `${describe(tensor)} has no valid size (blocks of 32 must fill its rows)`);
}

function* encodeTensor(name: string, tensor: GgufTensorToWrite, data: GgufData): Generator<Uint8Array> {
  const isBytes = data instanceof Uint8Array;
  const expected = isBytes ? entryBytes(tensor) : elementCount(tensor.shape);
  if (data.length !== expected) {
    const unit = isBytes ? "bytes" : "elements";
    throw new TensorDataError(name, `${describe(tensor)} has ${expected} ${unit}, its data ${data.length}`);
  }
  if (isBytes) yield data;
  else yield* encodeValues(name, tensor.dtype, data);
}

function* encodeValues(name: string, dtype: StorageType, values: Float32Array): Generator<Uint8Array> {
  for (let start = 0; start < values.length; start += VALUES_AT_A_TIME) {
    try {
      yield quantize(values.subarray(start, start + VALUES_AT_A_TIME), dtype);
    } catch (error) {
      if (!(error instanceof QuantizationError)) throw error;
      throw new TensorDataError(name, `from value ${start} on, ${error.message.replace(/\.$/, "")}`);
    }
  }
}
