import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { BackendUnavailableError, useBackend } from "./index.ts";
import { importOptional } from "./optional-import.ts";

const isInstalled = (name: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch (error) {
    return (error as { code: string }).code === "ERR_PACKAGE_PATH_NOT_EXPORTED";
  }
};

describe("a backend of packages that need not be there", () => {
  it.skipIf(isInstalled("@tensorflow/tfjs-node"))("says how to get TensorFlow", async () => {
    const error = await useBackend("tensorflow").catch((error: unknown) => error);
    expect(error).toBeInstanceOf(BackendUnavailableError);
    expect((error as Error).message).toContain("npm install @tensorflow/tfjs-node@4.22.0");
  });

  it.skipIf(isInstalled("webgpu"))("says how to get WebGPU", async () => {
    const error = await useBackend("webgpu").catch((error: unknown) => error);
    expect(error).toBeInstanceOf(BackendUnavailableError);
    expect((error as Error).message).toContain("npm install webgpu @tensorflow/tfjs-backend-webgpu@4.22.0");
  });
});

describe("importOptional", () => {
  it("gives undefined for what is not installed", async () => {
    expect(await importOptional("tensorflow", "@tessera-lm/no-such-package")).toBeUndefined();
  });

  it("says why what is installed does not load", async () => {
    const broken = fileURLToPath(new URL("./testing/broken.cjs", import.meta.url));
    await expect(importOptional("tensorflow", broken)).rejects.toThrow(
      `The backend "tensorflow" cannot run here: ${broken} does not load: its library is missing.`,
    );
  });
});
