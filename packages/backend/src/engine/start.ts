import { packageModule, wasmFile } from "../engine-files.ts";
import { BackendUnavailableError } from "../errors.ts";
import { loadAddon } from "./addon.ts";
import { NativeHost } from "./native-host.ts";
import { setEngineBackend } from "./register.ts";
import { WasmHost } from "./wasm-host.ts";

/**
 * Makes the engine's Node addon the current backend.
 * @returns what it runs on, in words
 * @throws BackendUnavailableError if there is no addon for this platform
 */
export function setTesseraBackend(): Promise<string> {
  return setEngineBackend("tessera", () => new NativeHost(loadAddon(packageModule)));
}

/**
 * Makes the engine as WebAssembly the current backend.
 * @returns what it runs on, in words
 * @throws BackendUnavailableError if its file is not there, or WebAssembly with SIMD is not
 */
export function setTesseraWasmBackend(): Promise<string> {
  return setEngineBackend("tessera-wasm", loadWasm);
}

async function loadWasm(): Promise<WasmHost> {
  try {
    return await WasmHost.load(await readModule(wasmFile()));
  } catch (cause) {
    const problem = `its module wasm/tessera.wasm does not load: ${(cause as Error).message}.`;
    throw new BackendUnavailableError("tessera-wasm", problem, cause);
  }
}

async function readModule(url: URL): Promise<ArrayBuffer> {
  const files = globalThis.process?.getBuiltinModule?.("node:fs/promises");
  if (files && url.protocol === "file:") return new Uint8Array(await files.readFile(url)).buffer;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return response.arrayBuffer();
}
