import { MetadataError } from "../errors.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { type GgufArray, type GgufItemType, type GgufValue, MIN_BYTES, VALUE_TYPES } from "./values.ts";

type Item = GgufArray["value"][number];

/** Whole numbers: their least and their greatest. */
const RANGES: Partial<Readonly<Record<GgufItemType, readonly [number | bigint, number | bigint]>>> = {
  uint8: [0, 0xff],
  int8: [-0x80, 0x7f],
  uint16: [0, 0xffff],
  int16: [-0x8000, 0x7fff],
  uint32: [0, 0xffffffff],
  int32: [-0x80000000, 0x7fffffff],
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};

const KINDS: Partial<Readonly<Record<GgufItemType, string>>> = {
  bool: "boolean",
  string: "string",
  uint64: "bigint",
  int64: "bigint",
  array: "object",
};

/** Writes the number of a value's type, then the value. @throws MetadataError where the value is not of its type */
export function writeValue(writer: ByteWriter, key: string, value: GgufValue): void {
  writer.uint32(typeNumber(key, value.type));
  if (value.type === "array") writeArray(writer, key, value);
  else writeScalar(writer, key, value.type, value.value);
}

function typeNumber(key: string, type: GgufItemType): number {
  const number = VALUE_TYPES.indexOf(type);
  if (number >= 0) return number;
  throw new MetadataError(key, `${type} is none of ${VALUE_TYPES.join(", ")}`);
}

function writeArray(writer: ByteWriter, key: string, { itemType, value }: GgufArray): void {
  writer.uint32(typeNumber(key, itemType));
  writer.uint64(value.length);
  for (const item of value) {
    if (itemType === "array") writeArray(writer, key, checked(key, itemType, item) as GgufArray);
    else writeScalar(writer, key, itemType, item);
  }
}

function writeScalar(writer: ByteWriter, key: string, type: Exclude<GgufItemType, "array">, value: Item): void {
  const item = checked(key, type, value);
  if (type === "string") return writer.string(item as string);
  const { view, offset } = writer.room(MIN_BYTES[type]);
  switch (type) {
    case "bool":
      return view.setUint8(offset, Number(item));
    case "uint8":
      return view.setUint8(offset, item as number);
    case "int8":
      return view.setInt8(offset, item as number);
    case "uint16":
      return view.setUint16(offset, item as number, true);
    case "int16":
      return view.setInt16(offset, item as number, true);
    case "uint32":
      return view.setUint32(offset, item as number, true);
    case "int32":
      return view.setInt32(offset, item as number, true);
    case "float32":
      return view.setFloat32(offset, item as number, true);
    case "float64":
      return view.setFloat64(offset, item as number, true);
    case "uint64":
      return view.setBigUint64(offset, item as bigint, true);
    case "int64":
      return view.setBigInt64(offset, item as bigint, true);
  }
}

/** The value itself. @throws MetadataError unless it is of the type, and a whole number in range where that is one */
function checked(key: string, type: GgufItemType, value: Item): Item {
  const kind = KINDS[type] ?? "number";
  if (typeof value !== kind) throw new MetadataError(key, `${String(value)} is no ${kind}, as ${type} asks for`);
  const range = RANGES[type];
  if (range === undefined) return value;
  const [least, greatest] = range;
  const whole = typeof value === "bigint" || Number.isInteger(value);
  if (whole && (value as number) >= least && (value as number) <= greatest) return value;
  throw new MetadataError(key, `${String(value)} is no ${type}`);
}
