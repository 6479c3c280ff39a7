import { type ByteSource, readRange } from "../byte-source.ts";
import { GgufError } from "../errors.ts";
import { blockValues, isStorageType, storedBytes } from "../quantize/quantize.ts";
import { describe, elementCount, type TensorEntry } from "../tensor.ts";
import { ByteReader, NeedsMoreBytes } from "./byte-reader.ts";
import { ggmlTypeName } from "./ggml-types.ts";
import { type GgufValue, readType, readValue } from "./values.ts";

export const MAGIC = "GGUF";

/** Version 2 differs from 3 in nothing but that 3 may be big-endian; version 1 has shorter counts. */
const VERSIONS: readonly number[] = [2, 3];

/** ggml's tensors have no more; each dimension takes 8 bytes. */
export const MAX_DIMENSIONS = 4;

export const ALIGNMENT_KEY = "general.alignment";
export const DEFAULT_ALIGNMENT = 32;

/** What is read at first; a header that is longer, as one with a vocabulary is, is read again with four times as much. */
const FIRST_BYTES = 1 << 20;

/** Against headers that would exhaust memory; those of the largest vocabularies take some 20 MB. */
const MAX_HEADER_BYTES = 100_000_000;

/** The least that a key with its value takes, and a tensor's entry. */
const MIN_PAIR_BYTES = 8 + 4 + 1;
const MIN_TENSOR_BYTES = 8 + 4 + 4 + 8;

/** A tensor and the place of its bytes in the file. */
export interface PlacedEntry extends TensorEntry {
  readonly start: number;
}

export interface Header {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly entries: ReadonlyMap<string, PlacedEntry>;
}

/** Reads and checks what stands before the tensors' data. @throws GgufError, ReadError */
export async function readHeader(source: ByteSource): Promise<Header> {
  let length = Math.min(FIRST_BYTES, source.size);
  for (;;) {
    const reader = new ByteReader(source.name, source.size, await readRange(source, 0, length));
    try {
      return parseHeader(reader);
    } catch (error) {
      if (!(error instanceof NeedsMoreBytes)) throw error;
      if (error.length > MAX_HEADER_BYTES) reader.fail(`it passes the limit of ${MAX_HEADER_BYTES} bytes`);
      length = Math.min(Math.max(error.length, 4 * length), MAX_HEADER_BYTES, source.size);
    }
  }
}

function parseHeader(reader: ByteReader): Header {
  checkVersion(reader);
  const tensorCount = reader.items(MIN_TENSOR_BYTES, "tensors");
  const pairCount = reader.items(MIN_PAIR_BYTES, "keys");
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < pairCount; i++) readPair(reader, metadata);
  const entries = new Map<string, PlacedEntry>();
  for (let i = 0; i < tensorCount; i++) readEntry(reader, entries);
  return { metadata, entries: placed(reader, entries, alignmentOf(reader, metadata)) };
}

function checkVersion(reader: ByteReader): void {
  const { offset } = reader.take(4);
  const magic = String.fromCharCode(...reader.bytes.subarray(offset, offset + 4));
  if (magic !== MAGIC) reader.fail(`it must begin with ${MAGIC}`);
  const version = reader.uint32();
  if (VERSIONS.includes(version)) return;
  if (version % 0x10000 === 0 && version > 0) reader.fail("the file is big-endian; only little-endian ones are read");
  reader.fail(`its version is ${version}; ${VERSIONS.join(" and ")} are read: convert the model again`);
}

function readPair(reader: ByteReader, metadata: Map<string, GgufValue>): void {
  reader.what = `key ${metadata.size + 1}`;
  const key = reader.string();
  reader.what = `key ${JSON.stringify(key)}`;
  if (metadata.has(key)) reader.fail("it is there twice");
  metadata.set(key, readValue(reader, readType(reader)));
}

function readEntry(reader: ByteReader, entries: Map<string, PlacedEntry>): void {
  reader.what = `tensor ${entries.size + 1}`;
  const name = reader.string();
  reader.what = `tensor ${JSON.stringify(name)}`;
  if (entries.has(name)) reader.fail("it is there twice");
  const dimensions = reader.uint32();
  if (dimensions > MAX_DIMENSIONS) reader.fail(`it has ${dimensions} dimensions; ${MAX_DIMENSIONS} are the most`);
  const sizes = Array.from({ length: dimensions }, () => reader.uint64());
  const dtype = ggmlTypeName(reader.uint32());
  entries.set(name, { dtype, shape: sizes.reverse(), start: reader.uint64() }); // the file has the innermost size first
}

function alignmentOf(reader: ByteReader, metadata: ReadonlyMap<string, GgufValue>): number {
  const entry = metadata.get(ALIGNMENT_KEY);
  if (entry === undefined) return DEFAULT_ALIGNMENT;
  const { type, value } = entry;
  reader.what = ALIGNMENT_KEY;
  if (type !== "uint32" || value === 0 || (value & (value - 1)) !== 0) {
    return reader.fail(`it must be a uint32 that is a power of two, not ${type} ${String(value)}`);
  }
  return value;
}

/** The entries with places counted from the file's beginning, each checked to lie in the file. */
function placed(
  { file, fileSize, offset }: ByteReader,
  entries: ReadonlyMap<string, PlacedEntry>,
  alignment: number,
): Map<string, PlacedEntry> {
  const dataStart = Math.ceil(offset / alignment) * alignment;
  const result = new Map<string, PlacedEntry>();
  for (const [name, entry] of entries) {
    const start = dataStart + entry.start;
    const problem = entry.start % alignment === 0 ? placeProblem(entry, start, fileSize) : misplaced(entry, alignment);
    if (problem !== undefined) throw new GgufError(file, problem, name);
    result.set(name, { ...entry, start });
  }
  checkApart(file, result);
  return result;
}

/** @throws GgufError where a tensor begins before the one that lies before it ends */
function checkApart(file: string, entries: ReadonlyMap<string, PlacedEntry>): void {
  let end = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.start - b.start)) {
    const bytes = entryBytes(entry) ?? 0;
    if (bytes > 0 && entry.start < end) throw new GgufError(file, "its data overlap another tensor's", name);
    end = Math.max(end, entry.start + bytes);
  }
}

const misplaced = (entry: PlacedEntry, alignment: number): string =>
  `its place, ${entry.start}, is no multiple of the alignment, ${alignment}`;

function placeProblem(entry: PlacedEntry, start: number, fileSize: number): string | undefined {
  const bytes = entryBytes(entry);
  if (bytes === undefined) return `${describe(entry)} has no valid size`;
  if (start + bytes <= fileSize) return undefined;
  return `${describe(entry)} ends at byte ${start + bytes} of a file of ${fileSize} bytes`;
}

/** Bytes of a tensor: 0 of a type whose blocks are not known here, undefined where blocks do not fill its rows. */
export function entryBytes({ dtype, shape }: TensorEntry): number | undefined {
  const count = elementCount(shape);
  if (count === undefined || !isStorageType(dtype)) return count === undefined ? undefined : 0;
  const rowsFit = (shape.at(-1) ?? 1) % blockValues(dtype) === 0;
  const bytes = storedBytes(dtype, count);
  return rowsFit && Number.isSafeInteger(bytes) ? bytes : undefined;
}
