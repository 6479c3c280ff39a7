import { SafetensorsError } from "../errors.ts";
import { byteLength, describe, isDType, type TensorEntry } from "../tensor.ts";
import { nestsTooDeep } from "./json-depth.ts";
import { repeatedKey } from "./json-keys.ts";

/** Against headers that would exhaust memory; the format allows four times as much, the largest models need a tenth. */
export const MAX_HEADER_BYTES = 25_000_000;

/** The header is an object of tensors, which are objects, of which the shape and the offsets are lists. */
const MAX_DEPTH = 3;

/** The key of the header that holds free text instead of a tensor. */
export const METADATA_KEY = "__metadata__";

/** A tensor and the range of its bytes, counted from the end of the header. */
export interface PlacedEntry extends TensorEntry {
  readonly start: number;
  readonly end: number;
}

export interface Header {
  readonly entries: ReadonlyMap<string, PlacedEntry>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Parses the JSON header and checks it against the format: every tensor's bytes fit its shape and its dtype (where
 * that is a `DType`), and together the tensors cover the `dataLength` bytes after the header exactly once.
 * @throws SafetensorsError
 */
export function parseHeader(file: string, json: Uint8Array, dataLength: number): Header {
  const { [METADATA_KEY]: metadata, ...tensors } = parseObject(file, json);
  const entries = Object.entries(tensors).map(([name, value]) => [name, parseEntry(file, name, value)] as const);
  entries.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  checkCoverage(file, entries, dataLength);
  return { entries: new Map(entries), metadata: parseMetadata(file, metadata) };
}

function parseObject(file: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const text = decodeUtf8(file, bytes);
  if (!text.startsWith("{")) throw new SafetensorsError(file, "the header must begin with {");
  if (nestsTooDeep(text, MAX_DEPTH)) {
    throw new SafetensorsError(file, `the header nests in a list, or more than ${MAX_DEPTH} deep`);
  }
  const value = parseJson(file, text);
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw new SafetensorsError(file, `the header names ${JSON.stringify(repeated)} twice`);
  return value;
}

function decodeUtf8(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SafetensorsError(file, "the header is not valid UTF-8");
  }
}

function parseJson(file: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new SafetensorsError(file, `the header is not valid JSON (${(error as Error).message})`);
  }
}

function parseMetadata(file: string, value: unknown): ReadonlyMap<string, string> {
  if (value === undefined) return new Map();
  const entries = isObject(value) ? Object.entries(value) : undefined;
  if (entries?.every((entry): entry is [string, string] => typeof entry[1] === "string")) return new Map(entries);
  throw new SafetensorsError(file, `${METADATA_KEY} must be an object of strings`);
}

function parseEntry(file: string, tensor: string, value: unknown): PlacedEntry {
  const fail = (problem: string): never => {
    throw new SafetensorsError(file, problem, tensor);
  };
  if (!isObject(value)) return fail("expected an object with dtype, shape and data_offsets");
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") return fail("dtype must be a string");
  if (!isSizes(shape)) return fail("shape must be a list of whole numbers from 0 to 2^53 - 1");
  if (!isSizes(offsets) || offsets.length !== 2)
    return fail("data_offsets must be two whole numbers from 0 to 2^53 - 1");
  const [start, end] = offsets;
  const entry = { dtype, shape, start, end };
  const problem = rangeProblem(entry);
  return problem === undefined ? entry : fail(problem);
}

function rangeProblem(entry: PlacedEntry): string | undefined {
  const { dtype, shape, start, end } = entry;
  if (end < start) return `data_offsets are [${start}, ${end}]: they end before they begin`;
  if (!isDType(dtype)) return undefined;
  const bytes = byteLength(dtype, shape);
  if (bytes === undefined) return `the number of bytes of ${describe(entry)} passes 2^53 - 1`;
  if (end - start === bytes) return undefined;
  return `${describe(entry)} takes ${bytes} bytes, but data_offsets are [${start}, ${end}]`;
}

/** Sorted by place, each tensor must begin where the one before it ends, and the last must end the file. */
function checkCoverage(file: string, sorted: readonly (readonly [string, PlacedEntry])[], dataLength: number): void {
  let covered = 0;
  for (const [tensor, { start, end }] of sorted) {
    if (end > dataLength) {
      throw new SafetensorsError(file, `its data end at byte ${end} of ${dataLength} bytes of data`, tensor);
    }
    if (start !== covered) {
      const problem = start < covered ? "overlap the tensor before it" : "leave a hole before it";
      throw new SafetensorsError(
        file,
        `its data must begin at byte ${covered}, but begin at ${start} and ${problem}`,
        tensor,
      );
    }
    covered = end;
  }
  if (covered !== dataLength) {
    throw new SafetensorsError(file, `the tensors end at byte ${covered} of ${dataLength} bytes of data`);
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
