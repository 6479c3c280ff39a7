import { BackendUnavailableError } from "../errors.ts";

/** What the Node addon exports, see `crates/node`. */
export interface Addon {
  commands(): string[];
  description(): string;
  addressOf(buffer: ArrayBuffer): number;
  readonly Engine: new (words: Float64Array) => AddonEngine;
}

/** A queue of commands and the thread that runs them. */
export interface AddonEngine {
  submit(length: number): void;
  drain(): void;
  fence(): Promise<void>;
}

/**
 * Loads the addon that was built from this package's source, or the one of the platform's package.
 * @throws BackendUnavailableError if there is none for this platform, or it does not load
 */
export function loadAddon(moduleUrl: string): Addon {
  const createRequire = globalThis.process?.getBuiltinModule?.("node:module")?.createRequire;
  if (createRequire === undefined) throw new BackendUnavailableError("tessera", "it needs Node 20.16 or newer.");
  const require = createRequire(moduleUrl);
  const platform = `${process.platform}-${process.arch}`;
  try {
    return require(`../native/tessera.${platform}.node`);
  } catch (cause) {
    throw new BackendUnavailableError("tessera", `its addon for ${platform} does not load.`, cause);
  }
}
