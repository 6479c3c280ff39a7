import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bytesSource } from "./byte-source.ts";
import { GgufError, SafetensorsError, WrongFormatError } from "./errors.ts";
import { openGguf } from "./gguf/gguf.ts";
import { openSafetensors } from "./safetensors/safetensors.ts";

const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe.each([
  ["safetensors", openSafetensors, SafetensorsError],
  ["GGUF", openGguf, GgufError],
] as const)("opened as %s", (expected, open, OwnError) => {
  it.each<[string, Uint8Array]>([
    ["a GGUF file", fixture("every-type.gguf")],
    ["a safetensors file", fixture("every-dtype.safetensors")],
    ["a PyTorch pickle in a zip file", fixture("pickle-zip.bin")],
    ["a pickle, as older PyTorch files are", fixture("pickle-legacy.bin")],
    ["a pickle, as older PyTorch files are", latin1("\x80\x04\x95\x03\0\0\0\0\0\0\0}\x94.")],
    ["a zip file", latin1("PK\x03\x04 and something else")],
    ["an HDF5 file, as TensorFlow and Keras write", latin1("\x89HDF\r\n\x1a\n")],
    ["a Git LFS pointer without the file", latin1("version https://git-lfs.github.com/spec/v1\noid sha256:12\n")],
    ["a GGML file from before GGUF", latin1("tjgg\x01\0\0\0")],
    ["a web page", latin1("\n<!DOCTYPE html><html></html>")],
  ])("%s says what it is", async (found, bytes) => {
    const opening = open(bytesSource(bytes, "model.bin"));
    if (found === `a ${expected} file`) return expect(opening).resolves.toBeDefined();
    await expect(opening).rejects.toThrow(WrongFormatError);
    await expect(open(bytesSource(bytes, "model.bin"))).rejects.toThrow(`model.bin is ${found}, not ${expected}. `);
  });

  it("a damaged file of the format itself is called damaged", async () => {
    const name = expected === "GGUF" ? "every-type.gguf" : "every-dtype.safetensors";
    await expect(open(bytesSource(fixture(name).subarray(0, 500)))).rejects.toThrow(OwnError);
    await expect(open(bytesSource(latin1("nothing in particular")))).rejects.toThrow(OwnError);
    await expect(open(bytesSource(new Uint8Array(0)))).rejects.toThrow(OwnError);
  });
});

it("a damaged safetensors header whose length looks like a pickle's first bytes is not called a pickle", async () => {
  const bytes = new Uint8Array(8 + 0x280).fill(0x20);
  bytes.set([0x80, 0x02, 0, 0, 0, 0, 0, 0, 0x7b, 0x78]);
  await expect(openSafetensors(bytesSource(bytes))).rejects.toThrow(SafetensorsError);
});
