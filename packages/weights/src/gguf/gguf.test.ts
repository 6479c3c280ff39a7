import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { type ByteSource, bytesSource } from "../byte-source.ts";
import {
  GgufError,
  MetadataError,
  MissingTensorError,
  ReadError,
  TensorDataError,
  UnsupportedDTypeError,
} from "../errors.ts";
import { dequantize, quantize, STORAGE_TYPES } from "../quantize/quantize.ts";
import { encodeGguf, type GgufTensorToWrite } from "./encode.ts";
import { openGgufFile, writeGgufFile } from "./file.ts";
import { type GgufFile, openGguf } from "./gguf.ts";
import type { GgufValue } from "./values.ts";

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../fixtures/${name}`, import.meta.url)));
const everyType = fixture("every-type.gguf");

type Tensors = Iterable<readonly [string, GgufTensorToWrite]>;
type Metadata = Iterable<readonly [string, GgufValue]>;

async function encoded(tensors: Tensors, metadata?: Metadata): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeGguf(tensors, metadata)) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The tensors of a file as they lie in it. */
const lazyTensors = (file: GgufFile): [string, GgufTensorToWrite][] =>
  [...file.entries].map(([name, entry]) => [name, { ...entry, read: () => file.readBytes(name) } as GgufTensorToWrite]);

describe("a file that Python's gguf wrote", async () => {
  const file = await openGguf(bytesSource(everyType));
  const ramp = Float32Array.from({ length: 64 }, (_, i) => Math.fround(i - 20) / 7);

  it("holds values of every type", () => {
    const values = Object.fromEntries([...file.metadata].map(([key, { value }]) => [key, value]));
    expect(values).toMatchObject({
      "general.architecture": "tiny",
      "one.uint8": 255,
      "one.int8": -128,
      "one.uint16": 65535,
      "one.int16": -32768,
      "one.uint32": 2 ** 32 - 1,
      "one.int32": -(2 ** 31),
      "one.float32": Math.fround(0.1),
      "one.bool": true,
      "one.string": "naïve 名",
      "one.uint64": 2n ** 64n - 1n,
      "one.int64": -(2n ** 63n),
      "one.float64": 0.1,
      "list.string": ["naïve 名", "naïve 名"],
      "list.bool": [true, true],
      "list.uint64": [2n ** 64n - 1n, 2n ** 64n - 1n],
      "list.float64": [0.1, 0.1],
      "general.alignment": 64,
    });
    const [first, second] = file.metadata.get("list.array")?.value as GgufValue[];
    expect([first?.value, second?.value]).toEqual([[1, 2], [3]]);
    for (const [key, { type }] of file.metadata) if (key.startsWith("one.")) expect(key).toBe(`one.${type}`);
  });

  it("holds tensors of every type that is read, rows first", async () => {
    const shapes = Object.fromEntries([...file.entries].map(([name, { dtype, shape }]) => [name, [dtype, shape]]));
    expect(shapes).toEqual({
      f32: ["F32", [2, 3]],
      f16: ["F16", [5]],
      bf16: ["BF16", [2, 32]],
      q8_0: ["Q8_0", [2, 32]],
      q4_0: ["Q4_0", [2, 32]],
    });
    expect(await file.read("f32")).toEqual({ dtype: "F32", shape: [2, 3], data: ramp.slice(0, 6) });
    for (const dtype of ["F16", "BF16", "Q8_0", "Q4_0"] as const) {
      const values = dtype === "F16" ? ramp.slice(0, 5) : ramp;
      expect((await file.read(dtype.toLowerCase())).data).toEqual(dequantize(quantize(values, dtype), dtype));
    }
  });

  it("is read by rows", async () => {
    for (const name of ["f32", "bf16", "q8_0", "q4_0"]) {
      const { dtype, shape, data } = await file.read(name);
      for (const row of [0, 1]) {
        const part = { dtype, shape: [1, shape[1]], data: data.slice(row * shape[1], (row + 1) * shape[1]) };
        expect(await file.readRows(name, row, row + 1)).toEqual(part);
      }
      await expect(file.readRows(name, 1, 3)).rejects.toThrow(ReadError);
    }
  });

  it("is written again byte for byte", async () => {
    expect(Buffer.from(await encoded(lazyTensors(file), file.metadata)).equals(everyType)).toBe(true);
  });

  it("is written again byte for byte from float32 values", async () => {
    const tensors = [...file.entries.keys()].map(async (name) => [name, await file.read(name)] as const);
    expect(Buffer.from(await encoded(await Promise.all(tensors), file.metadata)).equals(everyType)).toBe(true);
  });

  it("is read as version 2 too", async () => {
    const second = Uint8Array.from(everyType);
    second[4] = 2;
    const { metadata, entries } = await openGguf(bytesSource(second));
    expect([metadata, entries]).toEqual([file.metadata, file.entries]);
  });
});

describe("a file with types that are not read", async () => {
  const file = await openGguf(bytesSource(fixture("other-types.gguf")));

  it("lists them by ggml's names", () => {
    const dtypes = [...file.entries].map(([name, { dtype, shape }]) => [name, dtype, shape]);
    expect(dtypes).toEqual([
      ["q4_k", "Q4_K", [1, 256]],
      ["i32", "I32", [3]],
      ["f32", "F32", [2]],
    ]);
  });

  it("refuses them by name and reads the others", async () => {
    await expect(file.read("q4_k")).rejects.toThrow(UnsupportedDTypeError);
    await expect(file.readBytes("i32")).rejects.toThrow(
      'tensor "i32": dtype "I32" is not supported. Convert the tensor to one of F32, F16, BF16, Q8_0, Q4_0.',
    );
    expect((await file.read("f32")).data).toEqual(Float32Array.of(1, 2));
    await expect(file.read("x")).rejects.toThrow(MissingTensorError);
  });
});

const anyScalar: fc.Arbitrary<GgufValue> = fc.oneof(
  fc.record({ type: fc.constantFrom("uint8" as const, "uint16" as const, "int32" as const), value: fc.nat(255) }),
  fc.record({ type: fc.constant("float32" as const), value: fc.float() }),
  fc.record({ type: fc.constant("float64" as const), value: fc.double() }),
  fc.record({ type: fc.constant("bool" as const), value: fc.boolean() }),
  fc.record({ type: fc.constant("string" as const), value: fc.string({ unit: "grapheme" }) }),
  fc.record({ type: fc.constant("uint64" as const), value: fc.bigInt(0n, 2n ** 64n - 1n) }),
  fc.record({ type: fc.constant("int64" as const), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
  fc.record({
    type: fc.constant("array" as const),
    itemType: fc.constant("string" as const),
    value: fc.array(fc.string({ unit: "grapheme" })),
  }),
);
const anyKey = fc.string({ unit: "grapheme", maxLength: 8 }).filter((key) => key !== "general.alignment");
const anyTensor = fc
  .tuple(fc.constantFrom(...STORAGE_TYPES), fc.nat(3), fc.nat(2), fc.nat())
  .map(([dtype, rows, blocks, seed]): GgufTensorToWrite => {
    const values = Float32Array.from({ length: rows * blocks * 32 }, (_, i) => Math.sin(i * 3 + seed));
    return { dtype, shape: [rows, blocks * 32], data: dequantize(quantize(values, dtype), dtype) };
  });
const anyName = fc.string({ unit: "grapheme", maxLength: 8 }).filter((name) => Buffer.byteLength(name) < 64);

describe("encodeGguf", () => {
  it("gives back what went in, for any keys, values, names, shapes and alignments", async () => {
    const anyAlignment = fc.integer({ min: 0, max: 8 }).map((power) => 2 ** power);
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(anyName, anyTensor),
        fc.dictionary(anyKey, anyScalar),
        anyAlignment,
        async (tensors, values, alignment) => {
          const metadata = new Map(Object.entries(values));
          metadata.set("general.alignment", { type: "uint32", value: alignment });
          const file = await openGguf(bytesSource(await encoded(Object.entries(tensors), metadata)));
          expect([...file.metadata]).toEqual([...metadata]);
          expect([...file.entries.keys()]).toEqual(Object.keys(tensors));
          for (const name of Object.keys(tensors)) expect(await file.read(name)).toEqual(tensors[name]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("reads a header that is longer than what is read at first", async () => {
    const value = Array.from({ length: 300_000 }, (_, i) => `token ${i}`);
    const metadata: Metadata = [["tokens", { type: "array", itemType: "string", value }]];
    const file = await openGguf(bytesSource(await encoded([], metadata)));
    expect(file.metadata.get("tokens")?.value).toEqual(value);
  });

  it.each<[string, GgufTensorToWrite, string]>([
    ["a row that blocks do not fill", { dtype: "Q8_0", shape: [32, 16], data: new Float32Array(512) }, "valid size"],
    ["too few values", { dtype: "F32", shape: [2], data: new Float32Array(1) }, "has 2 elements, its data 1"],
    ["too few bytes", { dtype: "Q4_0", shape: [32], data: new Uint8Array(17) }, "has 18 bytes, its data 17"],
    ["five dimensions", { dtype: "F32", shape: [1, 1, 1, 1, 1], data: new Float32Array(1) }, "4 dimensions"],
    ["a NaN in a block", { dtype: "Q8_0", shape: [32], data: new Float32Array(32).fill(Number.NaN) }, "not a number"],
    ["another type", { dtype: "Q4_K" as "Q4_0", shape: [1], data: new Float32Array(1) }, "Q4_K is none of F32"],
  ])("refuses %s", async (_, tensor, message) => {
    await expect(encoded([["w", tensor]])).rejects.toThrow(TensorDataError);
    await expect(encoded([["w", tensor]])).rejects.toThrow(message);
  });

  it("refuses names that ggml does not take: long ones and repeated ones", async () => {
    const tensor: GgufTensorToWrite = { dtype: "F32", shape: [], data: new Float32Array(1) };
    await expect(encoded([["é".repeat(32), tensor]])).rejects.toThrow("longer than 63 bytes");
    await expect(encoded([["w", tensor]].concat([["w", tensor]]) as unknown as Tensors)).rejects.toThrow("taken");
  });

  it.each<[string, unknown]>([
    ["beyond its type", { type: "uint8", value: 256 }],
    ["that is broken", { type: "int32", value: 0.5 }],
    ["that is negative", { type: "uint64", value: -1n }],
    ["that is a number for a bigint", { type: "uint64", value: 1 }],
    ["that is no text", { type: "string", value: 1 }],
    ["of no type", { type: "text", value: "" }],
    ["in a list", { type: "array", itemType: "bool", value: [true, 1] }],
    ["that aligns to no power of two", { type: "uint32", value: 3 }],
  ])("refuses a value %s", async (what, value) => {
    const key = what.includes("aligns") ? "general.alignment" : "key";
    await expect(encoded([], [[key, value as GgufValue]])).rejects.toThrow(MetadataError);
  });
});

it("writes a file whole or not at all", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gguf-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "model.gguf");
  const failing = { dtype: "F32", shape: [1], read: () => Promise.reject(new RangeError("gone")) } as const;
  await expect(writeGgufFile(path, [["w", failing]])).rejects.toThrow(new RangeError("gone"));
  expect(await readdir(folder)).toEqual([]);
  await writeGgufFile(path, [["w", { dtype: "F16", shape: [2], data: Float32Array.of(1, 2) }]]);
  const file = await openGgufFile(path);
  expect((await file.read("w")).data).toEqual(Float32Array.of(1, 2));
  await file.close();
  await writeFile(path, "GGUF");
  await expect(openGgufFile(path)).rejects.toThrow(GgufError);
});

/** A header by hand: little-endian numbers of 4 or 8 bytes, and texts with their lengths. */
function headerOf(...parts: readonly (number | bigint | string)[]): Uint8Array {
  const chunks = parts.map((part) => {
    const bytes = Buffer.alloc(typeof part === "number" ? 4 : 8);
    if (typeof part === "number") bytes.writeUInt32LE(part);
    else bytes.writeBigUInt64LE(typeof part === "bigint" ? part : BigInt(Buffer.byteLength(part)));
    return typeof part === "string" ? Buffer.concat([bytes, Buffer.from(part)]) : bytes;
  });
  return new Uint8Array(Buffer.concat([Buffer.from("GGUF"), ...chunks]));
}
const huge = 2n ** 63n;
const nested = (depth: number): number[] => Array.from({ length: depth }, () => [9, 1, 0]).flat();

describe("openGguf refuses", () => {
  it.each<[string, Uint8Array, string]>([
    ["a cut header", headerOf(3, 0n), "the header: it reaches byte 24 of a file of 16 bytes"],
    ["version 1", headerOf(1, 0, 0), "its version is 1; 2 and 3 are read"],
    ["big-endian files", headerOf(0x03000000, 0n, 0n), "the file is big-endian"],
    ["absurd numbers of tensors", headerOf(3, huge, 0n), "the number 9223372036854775808 passes 2^53 - 1"],
    ["more tensors than the file has room for", headerOf(3, 99n, 0n), "99 tensors do not fit in the 8 bytes"],
    ["more keys than the file has room for", headerOf(3, 0n, 2n ** 52n), "keys do not fit in the 0 bytes"],
    ["a long key", headerOf(3, 0n, 1n, 2n ** 40n, 0n), "key 1: 1099511627776 bytes of text do not fit"],
    ["a long text", headerOf(3, 0n, 1n, "key", 8, 2n ** 50n), 'key "key": 1125899906842624 bytes of text do not fit'],
    ["a long list", headerOf(3, 0n, 1n, "key", 9, 0, 2n ** 52n), "4503599627370496 uint8 values do not fit"],
    ["a long list of lists", headerOf(3, 0n, 1n, "key", 9, 9, 2n ** 52n), "array values do not fit"],
    ["deep lists", headerOf(3, 0n, 1n, "key", 9, ...nested(9), 0n), "arrays nest more than 8 deep"],
    ["an unknown type of value", headerOf(3, 0n, 1n, "key", 13, 0n), "there is no value type 13"],
    ["an unknown type in a list", headerOf(3, 0n, 1n, "key", 9, 99, 0n), "there is no value type 99"],
    ["a truth value of 2", headerOf(3, 0n, 1n, "key", 7, 2), "2 is neither true nor false"],
    ["a key twice", headerOf(3, 0n, 2n, "key", 4, 1, "key", 4, 1), 'key "key": it is there twice'],
    [
      "an alignment that is no power of two",
      headerOf(3, 0n, 1n, "general.alignment", 4, 48),
      "must be a uint32 that is a power of two, not uint32 48",
    ],
    ["an alignment of another type", headerOf(3, 0n, 1n, "general.alignment", 8, "32"), "not string 32"],
    ["many dimensions", headerOf(3, 1n, 0n, "w", 2 ** 31, 0n, 0n), "it has 2147483648 dimensions; 4 are the most"],
    ["a shape that overflows", headerOf(3, 1n, 0n, "w", 2, 2n ** 40n, 2n ** 40n, 0, 0n), "has no valid size"],
    ["bytes that overflow", headerOf(3, 1n, 0n, "w", 1, 2n ** 52n, 0, 0n), "has no valid size"],
    ["a row that blocks do not fill", headerOf(3, 1n, 0n, "w", 2, 16n, 2n, 8, 0n), "has no valid size"],
    ["a place between", headerOf(3, 1n, 0n, "w", 0, 0, 4n), "its place, 4, is no multiple of the alignment, 32"],
    ["a tensor behind the end", headerOf(3, 1n, 0n, "w", 0, 0, 0n), "F32 of shape [] ends at byte 68 of a file of 49"],
    ["a tensor twice", headerOf(3, 2n, 0n, "w", 1, 0n, 0, 0n, "w", 1, 0n, 0, 0n), 'tensor "w": it is there twice'],
  ])("%s", async (_, bytes, message) => {
    await expect(openGguf(bytesSource(bytes, "bad.gguf"))).rejects.toThrow(GgufError);
    await expect(openGguf(bytesSource(bytes, "bad.gguf"))).rejects.toThrow(message);
    await expect(openGguf(bytesSource(bytes, "bad.gguf"))).rejects.toThrow("bad.gguf");
  });

  it("text that is not UTF-8", async () => {
    const bytes = headerOf(3, 0n, 1n, "key", 8, "abc");
    bytes[bytes.length - 1] = 0xff;
    await expect(openGguf(bytesSource(bytes))).rejects.toThrow('key "key": its text is not valid UTF-8');
  });

  it("more items than memory has room for, before they are read", async () => {
    const items = 2n ** 22n + 1n;
    const numbers = Buffer.concat([headerOf(3, 0n, 1n, "key", 9, 0, items), Buffer.alloc(Number(items))]);
    await expect(openGguf(bytesSource(numbers))).rejects.toThrow("4194305 uint8 values the header passes the limit");
    const lists = headerOf(3, 0n, 2n, "a", 9, 0, 2n ** 21n);
    const rest = Buffer.concat([
      Buffer.alloc(2 ** 21),
      headerOf("b", 9, 0, 2n ** 21n).subarray(4),
      Buffer.alloc(2 ** 21),
    ]);
    await expect(openGguf(bytesSource(Buffer.concat([lists, rest])))).rejects.toThrow(
      "passes the limit of 4194304 items",
    );
  });

  it("tensors that overlap, whatever their order", async () => {
    const tensor = { dtype: "F32", shape: [16], data: new Float32Array(16) } as const;
    const bytes = await encoded([
      ["first", tensor],
      ["second", tensor],
    ]);
    await expect(openGguf(bytesSource(bytes))).resolves.toBeDefined();
    const name = Buffer.from("second");
    const place = Buffer.from(bytes).indexOf(name) + name.length + 4 + 8 + 4;
    for (const start of [0, 32]) {
      bytes[place] = start;
      await expect(openGguf(bytesSource(bytes))).rejects.toThrow(/tensor "(first|second)": its data overlap another/);
    }
  });

  it("a header beyond the limit before reading it", async () => {
    const start = headerOf(3, 0n, 1n, "key", 8, 2n ** 40n);
    const reads: number[] = [];
    const source: ByteSource = {
      name: "big.gguf",
      size: 2 ** 41,
      async read(_, length) {
        reads.push(length);
        const bytes = new Uint8Array(length);
        bytes.set(start);
        return bytes;
      },
      async close() {},
    };
    await expect(openGguf(source)).rejects.toThrow("it passes the limit of 100000000 bytes");
    expect(Math.max(...reads)).toBeLessThan(2 ** 21);
  });
});

/** Opens and reads everything: any error must be one of ours, and no read may leave the file. */
async function openOrTypedError(bytes: Uint8Array): Promise<void> {
  try {
    const file = await openGguf(bytesSource(bytes));
    for (const name of file.entries.keys()) await file.read(name);
  } catch (error) {
    expect((error as { isTesseraError?: boolean }).isTesseraError, String(error)).toBe(true);
  }
}

describe("any bytes give a typed error or a valid read", () => {
  it.each(["every-type.gguf", "other-types.gguf"])("for %s with changed bytes", async (name) => {
    const valid = fixture(name);
    const anyChange = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = Uint8Array.from(valid);
        for (const [position, value] of changes) bytes[position] = value;
        await openOrTypedError(bytes);
      }),
      { numRuns: 1500 },
    );
  });

  it("for a file cut anywhere", async () => {
    const last = everyType.length - 64; // the padding of the last tensor
    for (let length = 0; length < last; length += length < 1500 ? 1 : 7) {
      await expect(openGguf(bytesSource(everyType.subarray(0, length)))).rejects.toThrow(GgufError);
    }
  });
});
