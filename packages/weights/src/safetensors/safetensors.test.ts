import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesSource } from "../byte-source.ts";
import { MissingTensorError, ReadError, TensorDataError, UnsupportedDTypeError } from "../errors.ts";
import type { DType, HostTensor, TensorToWrite } from "../tensor.ts";
import { encodeSafetensors, openSafetensors, type TensorFile } from "./safetensors.ts";

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const join = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> =>
  Uint8Array.from(Buffer.concat(await all(chunks)));

async function readAll(file: TensorFile): Promise<[string, HostTensor][]> {
  return Promise.all(
    [...file.entries.keys()].map(async (name) => [name, await file.read(name)] as [string, HostTensor]),
  );
}

describe("a file that Python's safetensors wrote", async () => {
  const bytes = fixture("every-dtype.safetensors");
  const file = await openSafetensors(bytesSource(bytes));

  it.each<[string, DType, number[], HostTensor["data"]]>([
    ["z.f32", "F32", [2, 3], Float32Array.from([0, 1, 2, 3, 4, 5], (i) => Math.fround(i / 3))],
    ["scalar", "F32", [], Float32Array.of(7.5)],
    ["empty", "F32", [0, 4], new Float32Array(0)],
    ["f16", "F16", [7], Float32Array.of(0, -0, 1, -2.5, Infinity, -Infinity, 2 ** -14)],
    ["bf16", "BF16", [7], Float32Array.of(0, -0, 1, -2.5, Infinity, -Infinity, 2 ** -14)],
    ["i32", "I32", [3], Int32Array.of(-(2 ** 31), -1, 2 ** 31 - 1)],
    ["i64", "I64", [2, 1], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
    ["u8", "U8", [3], Uint8Array.of(0, 1, 255)],
    ["bool", "BOOL", [3], Uint8Array.of(1, 0, 1)],
    ["naïve/名", "F32", [1], Float32Array.of(1)],
  ])("holds %s", async (name, dtype, shape, data) => {
    expect(await file.read(name)).toEqual({ dtype, shape, data });
  });

  it("is read by rows", async () => {
    for (const name of ["z.f32", "f16", "bf16", "i64", "u8", "empty"]) {
      const { dtype, shape, data } = await file.read(name);
      const [rows = 0, ...row] = shape;
      const size = row.reduce((product, length) => product * length, 1);
      for (let start = 0; start <= rows; start++) {
        for (let end = start; end <= rows; end++) {
          const part = { dtype, shape: [end - start, ...row], data: data.slice(start * size, end * size) };
          expect(await file.readRows(name, start, end)).toEqual(part);
        }
      }
    }
    for (const [start, end] of [
      [-1, 1],
      [1, 3],
      [2, 1],
      [0.5, 1],
      [0, Number.NaN],
    ]) {
      await expect(file.readRows("z.f32", start, end)).rejects.toThrow(ReadError);
    }
    await expect(file.readRows("scalar", 0, 1)).rejects.toThrow("has no rows 0 to 1");
  });

  it("is written again byte for byte", async () => {
    expect(await join(encodeSafetensors((await readAll(file)).reverse()))).toEqual(Uint8Array.from(bytes));
  });

  it("is written again byte for byte with its metadata", async () => {
    const withMetadata = fixture("metadata.safetensors");
    const opened = await openSafetensors(bytesSource(withMetadata));
    expect(opened.metadata).toEqual(new Map([["format", "pt"]]));
    expect(await join(encodeSafetensors(await readAll(opened), { format: "pt" }))).toEqual(
      Uint8Array.from(withMetadata),
    );
  });
});

const bitsOf = (tensor: HostTensor): unknown => ({
  ...tensor,
  data: Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength).toString("hex"),
});

const anyTensor: fc.Arbitrary<HostTensor> = fc
  .tuple(fc.constantFrom<DType>("F32", "I32", "I64", "U8"), fc.array(fc.nat(4), { maxLength: 3 }), fc.nat())
  .map(([dtype, shape, seed]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = Uint8Array.from({ length: count * 8 }, (_, i) => (i * 31 + seed * 17) % 256);
    const arrays = { F32: Float32Array, I32: Int32Array, I64: BigInt64Array, U8: Uint8Array };
    return { dtype, shape, data: new arrays[dtype as keyof typeof arrays](bytes.buffer, 0, count) };
  });

const anyName = fc.string({ unit: "grapheme", maxLength: 8 }).filter((name) => name !== "__metadata__");

describe("encodeSafetensors", () => {
  it("gives back what went in, for any names, shapes, bits and metadata", async () => {
    const anyMetadata = fc.dictionary(anyName, fc.string());
    await fc.assert(
      fc.asyncProperty(fc.dictionary(anyName, anyTensor), anyMetadata, async (tensors, metadata) => {
        const bytes = await join(encodeSafetensors(Object.entries(tensors), metadata));
        const file = await openSafetensors(bytesSource(bytes));
        expect(new Map(file.metadata)).toEqual(new Map(Object.entries(metadata)));
        expect(file.entries.size).toBe(Object.keys(tensors).length);
        for (const [name, tensor] of Object.entries(tensors)) {
          expect(bitsOf(await file.read(name))).toEqual(bitsOf(tensor));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("begins the data at a multiple of 8 bytes and pads with spaces", async () => {
    const [header] = await all(encodeSafetensors([["abc", { dtype: "U8", shape: [1], data: Uint8Array.of(1) }]]));
    expect(header.length % 8).toBe(0);
    expect(Buffer.from(header).toString("latin1", 8)).toMatch(/^\{.*\} *$/);
  });

  it("hands out the data of a float32 tensor without copying it", async () => {
    const data = Float32Array.of(1, 2, 3);
    const [, chunk] = await all(encodeSafetensors([["a", { dtype: "F32", shape: [3], data }]]));
    expect(chunk.buffer).toBe(data.buffer);
  });

  it("narrows a large tensor in chunks, from any part of a buffer", async () => {
    const data = Float32Array.from({ length: 2_500_001 }, (_, i) => i % 1000).subarray(1);
    const chunks = await all(encodeSafetensors([["a", { dtype: "F16", shape: [2_500_000], data }]]));
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(4_000_000);
    const file = await openSafetensors(bytesSource(Buffer.concat(chunks)));
    const { data: read } = await file.read("a");
    expect(data.every((value, i) => read[i] === value)).toBe(true);
  });

  it("fetches a tensor when its turn comes, and not before the one ahead of it is taken", async () => {
    const asked: string[] = [];
    const lazy = (name: string): [string, TensorToWrite] => [
      name,
      {
        dtype: "U8",
        shape: [1],
        async read() {
          asked.push(name);
          return Uint8Array.of(name.charCodeAt(0));
        },
      },
    ];
    const chunks = encodeSafetensors([lazy("b"), lazy("a")]);
    await chunks.next();
    expect(asked).toEqual([]);
    expect(await chunks.next()).toEqual({ done: false, value: Uint8Array.of(97) });
    expect(asked).toEqual(["a"]);
    expect(await chunks.next()).toEqual({ done: false, value: Uint8Array.of(98) });
    expect(asked).toEqual(["a", "b"]);
    expect((await chunks.next()).done).toBe(true);
  });

  it.each<[string, [string, HostTensor][], RegExp]>([
    [
      "too few data",
      [["a", { dtype: "F32", shape: [2], data: Float32Array.of(1) }]],
      /"a": F32 of shape \[2\] has 2 elements, its data 1/,
    ],
    [
      "data of another type",
      [["a", { dtype: "I32", shape: [1], data: Float32Array.of(1) }]],
      /"a": I32 data must be a Int32Array, not Float32Array/,
    ],
    [
      "a negative size",
      [["a", { dtype: "F32", shape: [-1], data: new Float32Array() }]],
      /"a": F32 of shape \[-1\] has no valid size/,
    ],
    [
      "a name twice",
      Array(2).fill(["a", { dtype: "U8", shape: [1], data: Uint8Array.of(1) }]),
      /"a": the name is already taken/,
    ],
    [
      "a reserved name",
      [["__metadata__", { dtype: "U8", shape: [1], data: Uint8Array.of(1) }]],
      /the name is already taken/,
    ],
    ["an unknown dtype", [["a", { dtype: "F64" as DType, shape: [1], data: new Float32Array(1) }]], /F64 is none of/],
  ])("refuses %s", async (_, tensors, message) => {
    await expect(join(encodeSafetensors(tensors))).rejects.toThrow(TensorDataError);
    await expect(join(encodeSafetensors(tensors))).rejects.toThrow(message);
  });

  it("refuses what a tensor turns out to be when it is fetched", async () => {
    const fetched = (data: HostTensor["data"]): Promise<unknown> =>
      join(encodeSafetensors([["a", { dtype: "F32", shape: [2], read: async () => data }]]));
    await expect(fetched(Float32Array.of(1))).rejects.toThrow(TensorDataError);
    await expect(fetched(Float32Array.of(1))).rejects.toThrow(/"a": F32 of shape \[2\] has 2 elements, its data 1/);
    await expect(fetched(Int32Array.of(1, 2))).rejects.toThrow(/"a": F32 data must be a Float32Array, not Int32Array/);
  });
});

describe("a file with dtypes that are not read here, which Python's safetensors wrote", async () => {
  const file = await openSafetensors(bytesSource(fixture("other-dtypes.safetensors"), "m.safetensors"));

  it("lists its tensors under the file's own names of their dtypes", () => {
    const entries = [...file.entries].map(([name, { dtype, shape }]) => [name, dtype, shape]);
    expect(new Set(entries)).toEqual(
      new Set([
        ["f64", "F64", [2]],
        ["f8", "F8_E4M3", [3]],
        ["f32", "F32", [2]],
      ]),
    );
  });

  it("gives those that it can read, and names the dtype of the others", async () => {
    expect((await file.read("f32")).data).toEqual(Float32Array.of(1, 2));
    await expect(file.read("f64")).rejects.toThrow(UnsupportedDTypeError);
    await expect(file.read("f64")).rejects.toThrow('m.safetensors, tensor "f64": dtype "F64" is not supported');
    await expect(file.read("f8")).rejects.toThrow('m.safetensors, tensor "f8": dtype "F8_E4M3" is not supported');
  });
});

describe("TensorFile", async () => {
  const tensors: [string, HostTensor][] = ["a", "b"].map((name) => [
    name,
    { dtype: "U8", shape: [2], data: Uint8Array.of(1, 2) },
  ]);
  const bytes = await join(encodeSafetensors(tensors));

  it("names the tensors that there are when one is missing", async () => {
    const file = await openSafetensors(bytesSource(bytes, "m.safetensors"));
    await expect(file.read("c")).rejects.toThrow(MissingTensorError);
    await expect(file.read("c")).rejects.toThrow('m.safetensors has no tensor "c"; it holds 2: "a", "b".');
  });

  it("reads nothing but the header and the tensor that was asked for", async () => {
    const ranges: [number, number][] = [];
    const source = bytesSource(bytes);
    const spy = {
      ...source,
      read: (at: number, length: number) => (ranges.push([at, length]), source.read(at, length)),
    };
    const file = await openSafetensors(spy);
    await file.read("b");
    expect(ranges).toEqual([
      [0, 8],
      [8, bytes.length - 12],
      [bytes.length - 2, 2],
    ]);
  });

  it.each([
    ["the length of the header", 0, -4],
    ["the header", 8, -1],
    ["a tensor", bytes.length - 2, -1],
    ["a tensor, and gives more", bytes.length - 2, 1],
  ])("refuses a source that does not give what was asked for: %s", async (_, cutAt, difference) => {
    const source = bytesSource(Uint8Array.of(...bytes, 0), "m.safetensors");
    const read = (at: number, length: number): Promise<Uint8Array> =>
      source.read(at, at === cutAt ? length + difference : length);
    const opened = openSafetensors({ ...source, size: bytes.length, read }).then((file) => file.read("b"));
    await expect(opened).rejects.toThrow(ReadError);
    await expect(opened).rejects.toThrow(
      new RegExp(`Cannot read m.safetensors: .* bytes were asked for from offset ${cutAt} on, .* came`),
    );
  });

  it("gives data that are the caller's own", async () => {
    const file = await openSafetensors(bytesSource(bytes));
    const first = await file.read("a");
    first.data.fill(9 as never);
    expect((await file.read("a")).data).toEqual(Uint8Array.of(1, 2));
  });
});

describe("bytesSource", () => {
  it("never reads outside", async () => {
    const source = bytesSource(new Uint8Array(4), "four");
    for (const [offset, length] of [
      [0, 5],
      [-1, 2],
      [5, 0],
      [0.5, 1],
      [0, Number.NaN],
    ]) {
      await expect(source.read(offset, length)).rejects.toThrow(ReadError);
    }
  });
});
