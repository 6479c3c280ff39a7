import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { backend, getBackend, type KernelBackend, tensor1d, tensor2d } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { describe, expect, it, vi } from "vitest";
import { type BackendName, InvalidSettingError, UnknownBackendError, useBackend, WasmMemoryError } from "./index.ts";
import { engines, hasAddon } from "./testing/engines.ts";

describe("useBackend", () => {
  it("takes the engine by default, and says so", async () => {
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const report = await useBackend();
    expect(report.name).toBe(engines[0]);
    expect(warn).toHaveBeenCalledTimes(hasAddon ? 0 : 1);
    warn.mockRestore();
    expect(report.description).toMatch(/^the engine/);
    expect(getBackend()).toBe(report.name);
  });

  it("changes to cpu and back, and moves tensors along", async () => {
    await useBackend("wasm");
    const a = tensor2d([1, 2, 3, 4], [2, 2]);
    expect((await useBackend("cpu")).name).toBe("cpu");
    const b = a.matMul(a);
    await useBackend("wasm");
    expect([...(await b.matMul(a, true).data())]).toEqual([52, 74, 76, 108]);
  });

  it("keeps the backend's memory when it is asked for again", async () => {
    await useBackend("wasm");
    const before: KernelBackend = backend();
    const kept = tensor1d([1, 2]);
    await useBackend("wasm");
    expect(backend()).toBe(before);
    expect([...(await kept.data())]).toEqual([1, 2]);
  });

  it("suggests the name that was meant", async () => {
    const error = await useBackend("wsam" as BackendName).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UnknownBackendError);
    expect((error as Error).message).toBe(
      'There is no backend "wsam". Did you mean "wasm"? Choose one of: tessera, tessera-wasm, tensorflow, webgpu, wasm, cpu.',
    );
  });

  it.each([
    ["TESSERA_THREADS", "abc", "a whole number of at least 1"],
    ["TESSERA_THREADS", "0", "a whole number of at least 1"],
    ["TESSERA_SIMD", "mmx", "baseline, avx2 or avx512"],
  ])("names the setting %s=%s, which nothing can be made of", async (setting, value, expected) => {
    vi.stubEnv(setting, value);
    const error = await useBackend("tessera").catch((error: unknown) => error);
    vi.unstubAllEnvs();
    expect(error).toBeInstanceOf(InvalidSettingError);
    expect((error as Error).message).toBe(`The environment variable ${setting} is "${value}"; it must be ${expected}.`);
  });

  it("says once in a process why the engine gives way", async () => {
    const { stdout, stderr } = await run(`
      Object.defineProperty(process, "arch", { value: "pdp11" });
      for (let i = 0; i < 3; i++) console.log((await useBackend()).name);
    `);
    expect(stdout).toBe("tessera-wasm\n".repeat(3));
    expect(stderr).toMatch(/^The backend "tessera" cannot run here: there is no addon for [^\n]*\n$/);
  });

  it("suggests nothing for a name unlike any", async () => {
    await expect(useBackend("" as BackendName)).rejects.toThrow(/^There is no backend ""\. Choose one of/);
  });

  it("refuses what does not fit into 4 GB, and works on", async () => {
    await useBackend("wasm");
    const wasm = backend() as BackendWasm;
    const taken: object[] = [];
    const fill = () => {
      while (taken.length < 9) taken.push(wasm.makeOutput([2 ** 27], "float32").dataId);
    };
    expect(fill).toThrow(WasmMemoryError);
    expect(taken.length).toBeGreaterThan(5);
    for (const dataId of taken) wasm.disposeData(dataId);
    expect([...(await tensor1d([1, 2]).add(1).data())]).toEqual([2, 3]);
  });
});

describe("a program on wasm", () => {
  it("ends by itself when it has nothing left to do", async () => {
    const { stdout } = await run("await setWasmBackend(1);");
    expect(stdout).toBe("");
  });

  it("keeps the handlers of uncaught errors that the program adds while it starts", async () => {
    const { stdout } = await run(`
      const starting = setWasmBackend();
      process.on("unhandledRejection", () => console.log("mine"));
      await starting;
      Promise.reject(new Error("nobody waits for this"));
    `);
    expect(stdout).toBe("mine\n");
  });

  it("shows an uncaught error as Node does, without the WebAssembly module's code", async () => {
    const failure = await run("await setWasmBackend(); throw new TypeError('boom');").catch((error) => error.stderr);
    expect(failure).toContain("TypeError: boom");
    expect(failure.length).toBeLessThan(2000);
  });
});

/** Runs TypeScript in a process of its own. */
function run(code: string): Promise<{ stdout: string; stderr: string }> {
  const index = JSON.stringify(new URL("./index.ts", import.meta.url).href);
  const setup = JSON.stringify(new URL("./wasm/setup.ts", import.meta.url).href);
  const source = `import * as tf from "@tensorflow/tfjs"; import { setWasmBackend } from ${setup}; import { useBackend } from ${index}; ${code}`;
  const flags = ["--conditions=@tessera-lm/source", "--import", import.meta.resolve("tsx"), "--input-type=module"];
  const options = { cwd: fileURLToPath(new URL(".", import.meta.url)), timeout: 30_000 };
  return promisify(execFile)(process.execPath, [...flags, "-e", source], options);
}
