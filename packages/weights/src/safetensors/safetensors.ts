import { type ByteSource, readRange } from "../byte-source.ts";
import { decodeData, encodeData } from "../dtypes.ts";
import { MissingTensorError, SafetensorsError, TensorDataError, UnsupportedDTypeError } from "../errors.ts";
import { orWrongFormat } from "../file-format.ts";
import {
  byteLength,
  DTYPES,
  describe,
  type HostTensor,
  isDType,
  type RowRange,
  rowsOf,
  type TensorEntry,
  type TensorToWrite,
} from "../tensor.ts";
import { type Header, MAX_HEADER_BYTES, METADATA_KEY, parseHeader } from "./header.ts";

/** The file begins with the length of its header, a little-endian uint64. */
const PREFIX_BYTES = 8;

/** Tensors in a file. Only the header has been read; a tensor is read when it is asked for. */
export interface TensorFile {
  /** By name, in the order in which they lie in the file. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Free text that the writer added, such as `format: pt`. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Reads one tensor. @throws MissingTensorError, UnsupportedDTypeError, ReadError */
  read(name: string): Promise<HostTensor>;
  /** Reads rows `start` to `end`, without the last, of one tensor: along its first axis. @throws as `read` */
  readRows(name: string, start: number, end: number): Promise<HostTensor>;
  close(): Promise<void>;
}

/**
 * Opens safetensors data: reads and checks the header, nothing else.
 * Format: https://github.com/huggingface/safetensors#format
 * @throws SafetensorsError where the bytes break the format, WrongFormatError where they are of another, such as a
 * pickle; ReadError
 */
export async function openSafetensors(source: ByteSource): Promise<TensorFile> {
  const { header, dataStart } = await orWrongFormat(source, "safetensors", () => readHeader(source));
  return {
    entries: header.entries,
    metadata: header.metadata,
    read: (name) => readTensor(source, header, dataStart, name),
    readRows: (name, start, end) => readTensor(source, header, dataStart, name, [start, end]),
    close: () => source.close(),
  };
}

async function readHeader(source: ByteSource): Promise<{ header: Header; dataStart: number }> {
  const headerBytes = await readHeaderLength(source);
  const dataStart = PREFIX_BYTES + headerBytes;
  const json = await readRange(source, PREFIX_BYTES, headerBytes);
  return { header: parseHeader(source.name, json, source.size - dataStart), dataStart };
}

async function readHeaderLength(source: ByteSource): Promise<number> {
  const { name, size } = source;
  if (size < PREFIX_BYTES) throw new SafetensorsError(name, `expected at least ${PREFIX_BYTES} bytes, found ${size}`);
  const prefix = await readRange(source, 0, PREFIX_BYTES);
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES) {
    throw new SafetensorsError(name, `its header of ${length} bytes passes the limit of ${MAX_HEADER_BYTES}`);
  }
  if (length > size - PREFIX_BYTES) {
    throw new SafetensorsError(name, `its header of ${length} bytes does not fit in the ${size} bytes of the file`);
  }
  return length;
}

async function readTensor(
  source: ByteSource,
  header: Header,
  dataStart: number,
  name: string,
  rows?: RowRange,
): Promise<HostTensor> {
  const entry = header.entries.get(name);
  if (entry === undefined) throw new MissingTensorError(source.name, name, header.entries.keys());
  const { dtype, start } = entry;
  if (!isDType(dtype)) throw new UnsupportedDTypeError(source.name, name, dtype, DTYPES);
  const { shape, skipped } = rowsOf(source.name, name, entry.shape, rows);
  const offset = dataStart + start + (byteLength(dtype, skipped) as number);
  const bytes = await readRange(source, offset, byteLength(dtype, shape) as number);
  return { dtype, shape, data: decodeData(dtype, bytes) };
}

/**
 * Writes tensors as safetensors, chunk by chunk, byte for byte as the reference implementation does: the header padded
 * to 8 bytes, tensors by falling alignment, then by name. F16 and BF16 are rounded to nearest, ties to even.
 * Memory: no tensor is copied as a whole, and one with `read` is fetched when its turn comes and then let go.
 * @param metadata free text; transformers asks for `{ format: "pt" }`
 * @throws TensorDataError while iterating: data that do not fit dtype and shape, or two tensors of one name; errors of
 * `read` pass through
 */
export async function* encodeSafetensors(
  tensors: Iterable<readonly [string, TensorToWrite]>,
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array, void> {
  const sorted = [...tensors].sort(inFileOrder);
  yield encodeHeader(sorted, metadata);
  for (const [name, tensor] of sorted) yield* encodeData(name, await fetched(tensor));
}

async function fetched(tensor: TensorToWrite): Promise<HostTensor> {
  if (!("read" in tensor)) return tensor;
  return { dtype: tensor.dtype, shape: tensor.shape, data: await tensor.read() };
}

function inFileOrder(
  [a, { dtype: left }]: readonly [string, TensorToWrite],
  [b, { dtype: right }]: readonly [string, TensorToWrite],
): number {
  return DTYPES.indexOf(left) - DTYPES.indexOf(right) || (a < b ? -1 : 1);
}

function encodeHeader(
  tensors: readonly (readonly [string, TensorToWrite])[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header = new Map<string, unknown>();
  if (Object.keys(metadata).length > 0) header.set(METADATA_KEY, metadata);
  let end = 0;
  for (const [name, entry] of tensors) {
    if (header.has(name) || name === METADATA_KEY) throw new TensorDataError(name, "the name is already taken");
    const start = end;
    end += checkedLength(name, entry);
    header.set(name, { dtype: entry.dtype, shape: entry.shape, data_offsets: [start, end] });
  }
  return withPrefix(toJson(header));
}

function checkedLength(name: string, entry: TensorToWrite): number {
  if (!isDType(entry.dtype)) throw new TensorDataError(name, `${entry.dtype} is none of ${DTYPES.join(", ")}`);
  const bytes = byteLength(entry.dtype, entry.shape);
  if (bytes === undefined) throw new TensorDataError(name, `${describe(entry)} has no valid size`);
  return bytes;
}

// Not JSON.stringify of an object, which would move names that look like numbers to the front.
const toJson = (map: ReadonlyMap<string, unknown>): string =>
  `{${[...map].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(",")}}`;

function withPrefix(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(PREFIX_BYTES + length).fill(0x20); // spaces
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, PREFIX_BYTES);
  return bytes;
}
