import type { ByteReader } from "./byte-reader.ts";

/** Numbers that fit a JavaScript number exactly. */
export type GgufNumberType = "uint8" | "int8" | "uint16" | "int16" | "uint32" | "int32" | "float32" | "float64";

export type GgufItemType = GgufNumberType | "uint64" | "int64" | "bool" | "string" | "array";

/** A list of values of one type; lists may hold lists. */
export interface GgufArray {
  readonly type: "array";
  readonly itemType: GgufItemType;
  /** Numbers, bigints, booleans, strings or arrays, as `itemType` says. */
  readonly value: readonly (number | bigint | boolean | string | GgufArray)[];
}

/** A value of the metadata, with the type that it has in the file. */
export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: "uint64" | "int64"; readonly value: bigint }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | GgufArray;

/** Every type; its place is its number in the file. */
export const VALUE_TYPES: readonly GgufItemType[] = [
  "uint8",
  "int8",
  "uint16",
  "int16",
  "uint32",
  "int32",
  "float32",
  "bool",
  "string",
  "array",
  "uint64",
  "int64",
  "float64",
];

/** Bytes that a value takes: of strings and arrays at the least, which are empty ones. */
export const MIN_BYTES: Readonly<Record<GgufItemType, number>> = {
  uint8: 1,
  int8: 1,
  bool: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  uint64: 8,
  int64: 8,
  float64: 8,
  string: 8,
  array: 12,
};

/** Arrays in arrays in arrays: deeper ones are nobody's metadata, and would exhaust the stack. */
const MAX_DEPTH = 8;

/** Reads a value of `type`. @throws GgufError */
export function readValue(reader: ByteReader, type: GgufItemType, depth = 0): GgufValue {
  if (type === "array") return readArray(reader, depth);
  return { type, value: readScalar(reader, type) } as GgufValue;
}

/** Reads the number of a type. @throws GgufError */
export function readType(reader: ByteReader): GgufItemType {
  const number = reader.uint32();
  return VALUE_TYPES[number] ?? reader.fail(`there is no value type ${number}`);
}

function readArray(reader: ByteReader, depth: number): GgufArray {
  if (depth === MAX_DEPTH) return reader.fail(`arrays nest more than ${MAX_DEPTH} deep`);
  const itemType = readType(reader);
  const length = reader.items(MIN_BYTES[itemType], `${itemType} values`);
  reader.need(length * MIN_BYTES[itemType]);
  const value: GgufArray["value"][number][] = [];
  for (let i = 0; i < length; i++) {
    value.push(itemType === "array" ? readArray(reader, depth + 1) : readScalar(reader, itemType));
  }
  return { type: "array", itemType, value };
}

function readScalar(reader: ByteReader, type: Exclude<GgufItemType, "array">): number | bigint | boolean | string {
  if (type === "string") return reader.string();
  if (type === "bool") return readBool(reader);
  const { view, offset } = reader.take(MIN_BYTES[type]);
  switch (type) {
    case "uint8":
      return view.getUint8(offset);
    case "int8":
      return view.getInt8(offset);
    case "uint16":
      return view.getUint16(offset, true);
    case "int16":
      return view.getInt16(offset, true);
    case "uint32":
      return view.getUint32(offset, true);
    case "int32":
      return view.getInt32(offset, true);
    case "float32":
      return view.getFloat32(offset, true);
    case "float64":
      return view.getFloat64(offset, true);
    case "uint64":
      return view.getBigUint64(offset, true);
    case "int64":
      return view.getBigInt64(offset, true);
  }
}

function readBool(reader: ByteReader): boolean {
  const { view, offset } = reader.take(1);
  const byte = view.getUint8(offset);
  return byte > 1 ? reader.fail(`${byte} is neither true nor false`) : byte === 1;
}
