import { readFileSync } from "node:fs";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, inject, it } from "vitest";
import { repository } from "../repository.ts";
import { runTool } from "./run.ts";

describe.each(inject("packed"))("$name", ({ tarball, folder }) => {
  it("is packed as publint (strict) asks", async () => {
    const bytes = readFileSync(tarball);
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it("has types that every module resolution finds", () => {
    runTool("attw", [tarball, "--no-color"], join(repository, folder));
  });
});
