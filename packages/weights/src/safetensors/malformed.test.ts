import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ByteSource, bytesSource, checkRange } from "../byte-source.ts";
import { SafetensorsError } from "../errors.ts";
import { MAX_HEADER_BYTES } from "./header.ts";
import { openSafetensors } from "./safetensors.ts";

function fileOf(header: string | Uint8Array, dataLength = 0, declaredLength?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, declaredLength ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}
const tensor = (dtype: string, shape: unknown, offsets: unknown): string =>
  JSON.stringify({ dtype, shape, data_offsets: offsets });
const open = (bytes: Uint8Array): Promise<unknown> => openSafetensors(bytesSource(bytes, "bad.safetensors"));

describe("openSafetensors refuses", () => {
  it.each<[string, Uint8Array, string | RegExp]>([
    ["an empty file", new Uint8Array(0), "expected at least 8 bytes, found 0"],
    ["a cut length", new Uint8Array(7), "expected at least 8 bytes, found 7"],
    ["a header beyond the file", fileOf("{}", 0, 3n), "its header of 3 bytes does not fit in the 10 bytes of the file"],
    [
      "a header beyond the limit",
      fileOf("{}", 0, BigInt(MAX_HEADER_BYTES) + 1n),
      "25000001 bytes passes the limit of 25000000",
    ],
    ["the largest header length", fileOf("{}", 0, 2n ** 64n - 1n), "passes the limit"],
    ["no header", fileOf(""), "the header must begin with {"],
    ["a header that is a list", fileOf("[]"), "the header must begin with {"],
    ["a header with a byte order mark", fileOf("\uFEFF{}"), "the header must begin with {"],
    ["invalid JSON", fileOf('{"a":'), "the header is not valid JSON"],
    ["a name without an end", fileOf('{"a'), "the header is not valid JSON"],
    ["a name that ends in an escape", fileOf('{"a\\'), "the header is not valid JSON"],
    ["lists in a shape", fileOf(`{"a":${tensor("U8", [[1]], [0, 1])}}`, 1), "nests in a list, or more than 3 deep"],
    ["objects in a shape", fileOf(`{"a":${tensor("U8", [{}], [0, 1])}}`, 1), "nests in a list, or more than 3 deep"],
    ["lists side by side in a list", fileOf(`{"a":[${"[],".repeat(1e6)}[]]}`), "nests in a list"],
    ["objects in a field", fileOf('{"a":{"b":{"c":{}}}}'), "nests in a list, or more than 3 deep"],
    [
      "ten million brackets",
      fileOf(`{"a":${"[".repeat(5e6)}${"]".repeat(5e6)}}`),
      "nests in a list, or more than 3 deep",
    ],
    ["text after the JSON", fileOf("{} x"), "the header is not valid JSON"],
    ["invalid UTF-8", fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), "the header is not valid UTF-8"],
    [
      "a tensor twice",
      fileOf(`{"a":${tensor("U8", [1], [0, 1])},"a":${tensor("U8", [1], [0, 1])}}`, 1),
      'the header names "a" twice',
    ],
    [
      "a tensor twice, once escaped",
      fileOf(`{"a":${tensor("U8", [0], [0, 0])},"\\u0061" :${tensor("U8", [0], [0, 0])}}`),
      'the header names "a" twice',
    ],
    [
      "a field twice",
      fileOf('{"a":{"dtype":"U8","dtype":"I32","shape":[0],"data_offsets":[0,0]}}'),
      'the header names "dtype" twice',
    ],
    ["a tensor that is a number", fileOf('{"a":1}'), '"a": expected an object'],
    ["a tensor that is null", fileOf('{"a":null}'), '"a": expected an object'],
    ["no dtype", fileOf('{"a":{}}'), '"a": dtype must be a string'],
    ["no shape", fileOf('{"a":{"dtype":"U8"}}'), '"a": shape must be a list'],
    ["a negative size", fileOf(`{"a":${tensor("U8", [-1], [0, 0])}}`), '"a": shape must be a list'],
    ["a broken size", fileOf(`{"a":${tensor("U8", [0.5], [0, 0])}}`), '"a": shape must be a list'],
    ["a size that is text", fileOf(`{"a":${tensor("U8", ["1"], [0, 1])}}`, 1), '"a": shape must be a list'],
    ["one offset", fileOf(`{"a":${tensor("U8", [1], [0])}}`, 1), '"a": data_offsets must be two'],
    [
      "offsets the wrong way",
      fileOf(`{"a":${tensor("U8", [0], [1, 0])}}`, 1),
      '"a": data_offsets are [1, 0]: they end before they begin',
    ],
    [
      "offsets the wrong way, of a dtype that it does not read",
      fileOf(`{"a":${tensor("U8", [1], [0, 1])},"b":${tensor("F64", [0], [1, 0])}}`, 0),
      '"b": data_offsets are [1, 0]: they end before they begin',
    ],
    [
      "an overlap of a dtype that it does not read",
      fileOf(`{"a":${tensor("U8", [2], [0, 2])},"b":${tensor("F64", [1], [1, 9])}}`, 9),
      '"b": its data must begin at byte 2, but begin at 1 and overlap',
    ],
    [
      "data outside the file, of a dtype that it does not read",
      fileOf(`{"a":${tensor("F64", [1], [0, 8])}}`, 7),
      '"a": its data end at byte 8 of 7 bytes of data',
    ],
    [
      "another length than the shape's",
      fileOf(`{"a":${tensor("F32", [2, 3], [0, 20])}}`, 20),
      '"a": F32 of shape [2, 3] takes 24 bytes, but data_offsets are [0, 20]',
    ],
    [
      "a shape that overflows",
      fileOf(`{"a":${tensor("U8", [2 ** 40, 2 ** 40], [0, 1])}}`, 1),
      '"a": the number of bytes of U8 of shape [1099511627776, 1099511627776] passes',
    ],
    ["an overflow that a zero hides", fileOf(`{"a":${tensor("U8", [2 ** 40, 2 ** 40, 0], [0, 0])}}`), "passes 2^53"],
    ["a shape whose bytes overflow", fileOf(`{"a":${tensor("I64", [2 ** 52], [0, 1])}}`, 1), "passes 2^53"],
    [
      "data outside the file",
      fileOf(`{"a":${tensor("U8", [2], [0, 2])}}`, 1),
      '"a": its data end at byte 2 of 1 bytes of data',
    ],
    [
      "a hole at the front",
      fileOf(`{"a":${tensor("U8", [1], [1, 2])}}`, 2),
      '"a": its data must begin at byte 0, but begin at 1 and leave a hole',
    ],
    [
      "a hole between",
      fileOf(`{"a":${tensor("U8", [1], [0, 1])},"b":${tensor("U8", [1], [2, 3])}}`, 3),
      '"b": its data must begin at byte 1, but begin at 2 and leave a hole',
    ],
    [
      "an overlap",
      fileOf(`{"a":${tensor("U8", [2], [0, 2])},"b":${tensor("U8", [2], [1, 3])}}`, 3),
      '"b": its data must begin at byte 2, but begin at 1 and overlap',
    ],
    [
      "bytes after the last tensor",
      fileOf(`{"a":${tensor("U8", [1], [0, 1])}}`, 2),
      "the tensors end at byte 1 of 2 bytes of data",
    ],
    ["metadata that is no text", fileOf('{"__metadata__":{"a":1}}'), "__metadata__ must be an object of strings"],
    ["metadata that is a list", fileOf('{"__metadata__":["a"]}'), "__metadata__ must be an object of strings"],
    ["metadata that is null", fileOf('{"__metadata__":null}'), "__metadata__ must be an object of strings"],
  ])("%s", async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(SafetensorsError);
    await expect(open(bytes)).rejects.toThrow(message);
    await expect(open(bytes)).rejects.toThrow("bad.safetensors");
  });

  it("nothing that the format allows: no tensors, a __proto__, brackets in names, spaces behind", async () => {
    await expect(open(fileOf("{}   "))).resolves.toBeDefined();
    const names = ["__proto__", '{"[:', "[[[[{{{{", "constructor"];
    const entries = names.map((name, i) => `${JSON.stringify(name)}:${tensor("U8", [1], [i, i + 1])}`);
    const file = await openSafetensors(bytesSource(fileOf(`{${entries.join(",")}}`, names.length)));
    expect([...file.entries.keys()]).toEqual(names);
  });
});

/** Fails the test when a read leaves the file or asks for more memory than the file has bytes. */
function guardedSource(bytes: Uint8Array): ByteSource {
  const source = bytesSource(bytes);
  const read = (offset: number, length: number): Promise<Uint8Array> => {
    expect(() => checkRange("", bytes.length, offset, length)).not.toThrow();
    return source.read(offset, length);
  };
  return { ...source, read };
}

async function openOrTypedError(bytes: Uint8Array): Promise<void> {
  try {
    const file = await openSafetensors(guardedSource(bytes));
    for (const name of file.entries.keys()) await file.read(name);
  } catch (error) {
    expect((error as { isTesseraError?: boolean }).isTesseraError, String(error)).toBe(true);
  }
}

describe("any bytes give a typed error or a valid read", () => {
  const valid = readFileSync(new URL("../fixtures/every-dtype.safetensors", import.meta.url));

  it("for a valid file with changed bytes", async () => {
    const anyChange = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = Uint8Array.from(valid);
        for (const [position, value] of changes) bytes[position] = value;
        await openOrTypedError(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it("for a valid file cut anywhere", async () => {
    for (let length = 0; length < valid.length; length++) {
      await expect(openSafetensors(guardedSource(valid.subarray(0, length)))).rejects.toThrow(SafetensorsError);
    }
  });

  it("for a header with changed digits, which stays JSON", async () => {
    const headerLength = valid.readUInt32LE(0);
    const digits = [...valid.subarray(8, 8 + headerLength).entries()].filter(
      ([, byte]) => byte >= 0x30 && byte <= 0x39,
    );
    const anyChange = fc.tuple(fc.nat(digits.length - 1), fc.integer({ min: 0x30, max: 0x39 }));
    await fc.assert(
      fc.asyncProperty(fc.array(anyChange, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Uint8Array.from(valid);
        for (const [digit, value] of changes) bytes[8 + digits[digit][0]] = value;
        await openOrTypedError(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  it("for any bytes and any JSON as a header", async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), openOrTypedError), { numRuns: 500 });
    await fc.assert(
      fc.asyncProperty(fc.json(), (json) => openOrTypedError(fileOf(json, 4))),
      { numRuns: 500 },
    );
  });
});
