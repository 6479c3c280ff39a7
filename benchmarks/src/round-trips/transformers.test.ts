import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ContestantError } from "../errors.ts";
import { Transformers } from "./transformers.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "transformers-"));
});
afterAll(() => rm(folder, { recursive: true }));

const read = async (python: string): Promise<unknown> => {
  const transformers = new Transformers(python);
  try {
    return await transformers.read("there", "back", { ids: [0], prompt: [0], newTokens: 1 });
  } finally {
    transformers.end();
  }
};

it("a Python that is missing is an error of the contestant", async () => {
  const reading = read(join(folder, "nothing"));
  await expect(reading).rejects.toThrow(ContestantError);
  await expect(reading).rejects.toThrow(/transformers ended \(spawn .*ENOENT\)/);
});

it.skipIf(process.platform === "win32")("chatter before the answer is passed over", async () => {
  const python = join(folder, "python");
  await writeFile(python, `#!/bin/sh\nread task\necho Loading\necho '{"loss": 1, "text": [2]}'\n`, { mode: 0o755 });
  expect(await read(python)).toEqual({ loss: 1, text: [2] });
});
