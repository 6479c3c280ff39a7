import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BinaryTextError, EmptyTextError, MissingFileError, UnreadableFileError } from "./errors.ts";
import { readText } from "./node.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "data-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(content: string | Uint8Array): Promise<string> {
  const path = join(folder, "file");
  await writeFile(path, content);
  return path;
}

describe("readText", () => {
  it.each(["\uFEFFBOM", "line\r\nline\n\n", " spaces ", "😀 é\u0301"])("changes nothing in %j", async (text) => {
    expect(await readText(await fileOf(text))).toBe(text);
  });

  it.each<[string, number[], number]>([
    ["a byte that never occurs", [0x61, 0xff, 0x61], 1],
    ["a character cut at the end", [0x61, 0x62, 0xf0, 0x9f, 0x98], 2],
    ["a character cut in the middle", [0x61, 0xe2, 0x82, 0x61, 0x61], 1],
    ["a byte that continues nothing", [0xc3, 0xa9, 0x80], 2],
    ["an encoded surrogate", [0x61, 0xed, 0xa0, 0x80], 1],
    ["an invalid byte at the very beginning", [0xc0, 0x80], 0],
    ["a NUL byte", [0x61, 0x62, 0x00, 0x61], 2],
  ])("names the byte of %s", async (_, bytes, offset) => {
    const read = readText(await fileOf(Uint8Array.from(bytes)));
    await expect(read).rejects.toThrow(BinaryTextError);
    await expect(read).rejects.toMatchObject({ offset, isTesseraError: true });
    await expect(read).rejects.toThrow(`at byte ${offset}. Choose a text file`);
  });

  it("names the byte after any valid text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme" }), async (text) => {
        const valid = Buffer.from(text.replaceAll("\0", ""));
        const path = await fileOf(Buffer.concat([valid, Uint8Array.of(0xff), valid]));
        await expect(readText(path)).rejects.toMatchObject({ offset: valid.length });
      }),
      { numRuns: 50 },
    );
  });

  it("says what is wrong with the path", async () => {
    await expect(readText(join(folder, "none"))).rejects.toThrow(MissingFileError);
    await expect(readText(join(folder, "none"))).rejects.toThrow("none: it does not exist. Check the path.");
    await expect(readText(folder)).rejects.toThrow(UnreadableFileError);
    await expect(readText(folder)).rejects.toThrow("it is a folder; choose a text file");
    await expect(readText(await fileOf(""))).rejects.toThrow(EmptyTextError);
  });

  it.skipIf(process.getuid?.() === 0)("says that permission is denied", async () => {
    const path = await fileOf("text");
    await chmod(path, 0);
    await expect(readText(path)).rejects.toThrow("permission is denied");
    await chmod(path, 0o600);
  });
});
