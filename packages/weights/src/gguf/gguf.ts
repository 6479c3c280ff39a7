import { type ByteSource, readRange } from "../byte-source.ts";
import { MissingTensorError, ReadError, UnsupportedDTypeError } from "../errors.ts";
import { orWrongFormat } from "../file-format.ts";
import { dequantize, isStorageType, STORAGE_TYPES, type StorageType } from "../quantize/quantize.ts";
import { type RowRange, rowsOf, type TensorEntry } from "../tensor.ts";
import { entryBytes, type Header, readHeader } from "./header.ts";
import type { GgufValue } from "./values.ts";

/** A tensor of a GGUF file, as float32 values. */
export interface GgufTensor extends TensorEntry {
  /** How it is kept in the file. */
  readonly dtype: StorageType;
  /** Row-major. */
  readonly data: Float32Array;
}

/** Tensors and metadata in a GGUF file. Only the header has been read; a tensor is read when it is asked for. */
export interface GgufFile {
  /**
   * By name, in the order of the file. `dtype` is ggml's name of the type, which may be one that is not read here;
   * `shape` is row-major, `[rows, columns]`, as in safetensors and the reverse of how ggml writes it.
   */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** By key, such as `general.architecture`. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Reads one tensor as float32. @throws MissingTensorError, UnsupportedDTypeError, ReadError */
  read(name: string): Promise<GgufTensor>;
  /** Reads rows `start` to `end`, without the last, of one tensor: along its first axis. @throws as `read` */
  readRows(name: string, start: number, end: number): Promise<GgufTensor>;
  /** Reads one tensor's bytes as they are, for computing on its blocks or writing it again. @throws as `read` */
  readBytes(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Opens GGUF data of version 2 or 3: reads and checks the header, nothing else.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @throws GgufError where the bytes break the format, WrongFormatError where they are of another, ReadError
 */
export async function openGguf(source: ByteSource): Promise<GgufFile> {
  const header = await orWrongFormat(source, "GGUF", () => readHeader(source));
  const read = (name: string, rows?: RowRange): Promise<GgufTensor> => readTensor(source, header, name, rows);
  return {
    entries: header.entries,
    metadata: header.metadata,
    read: (name) => read(name),
    readRows: (name, start, end) => read(name, [start, end]),
    readBytes: (name) => readTensorBytes(source, header, name),
    close: () => source.close(),
  };
}

async function readTensor(source: ByteSource, header: Header, name: string, rows?: RowRange): Promise<GgufTensor> {
  const { dtype, shape: whole, start } = storedEntry(source, header, name);
  const { shape, skipped } = rowsOf(source.name, name, whole, rows);
  const [offset, length] = [skipped, shape].map((part) => entryBytes({ dtype, shape: part }));
  if (offset === undefined || length === undefined) {
    throw new ReadError(source.name, `rows ${rows} of tensor ${JSON.stringify(name)} are no whole blocks`);
  }
  return { dtype, shape, data: dequantize(await readRange(source, start + offset, length), dtype) };
}

async function readTensorBytes(source: ByteSource, header: Header, name: string): Promise<Uint8Array> {
  const entry = storedEntry(source, header, name);
  return readRange(source, entry.start, entryBytes(entry) as number);
}

type StoredEntry = TensorEntry & { readonly dtype: StorageType; readonly start: number };

function storedEntry(source: ByteSource, { entries }: Header, name: string): StoredEntry {
  const entry = entries.get(name);
  if (entry === undefined) throw new MissingTensorError(source.name, name, entries.keys());
  const { dtype } = entry;
  if (!isStorageType(dtype)) throw new UnsupportedDTypeError(source.name, name, dtype, STORAGE_TYPES);
  return { ...entry, dtype };
}
