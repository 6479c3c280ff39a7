import { packageModule, wasmFile } from "../engine-files.ts";
import { BackendUnavailableError, InvalidSettingError } from "../errors.ts";
import { loadAddon } from "./addon.ts";
import { NativeHost } from "./native-host.ts";
import { setEngineBackend } from "./register.ts";
import { WasmHost } from "./wasm-host.ts";

/**
 * Makes the engine's Node addon the current backend.
 * @returns what it runs on, in words
 * @throws BackendUnavailableError if there is no addon for this platform
 * @throws InvalidSettingError if an environment variable is not what it can be
 */
export async function setTesseraBackend(): Promise<string> {
  checkSettings();
  return setEngineBackend("tessera", () => new NativeHost(loadAddon(packageModule)));
}

/** The settings that the addon reads, which takes what it cannot use for nothing at all. */
function checkSettings(): void {
  const { TESSERA_THREADS: threads, TESSERA_SIMD: simd } = globalThis.process?.env ?? {};
  if (threads && !/^0*[1-9]\d{0,8}$/.test(threads)) {
    throw new InvalidSettingError("TESSERA_THREADS", threads, "a whole number of at least 1");
  }
  if (simd && !["baseline", "avx2", "avx512"].includes(simd)) {
    throw new InvalidSettingError("TESSERA_SIMD", simd, "baseline, avx2 or avx512");
  }
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
