import { BackendUnavailableError } from "../errors.ts";

/** What the Node addon exports, see `crates/node`. */
export interface Addon {
  commands(): string[];
  description(): string;
  addressOf(buffer: ArrayBuffer): number;
  preferHugePages(buffer: ArrayBuffer): void;
  readonly Engine: new (words: Float64Array) => AddonEngine;
}

/** A queue of commands and the thread that runs them. */
export interface AddonEngine {
  submit(length: number): void;
  drain(): void;
  fence(): Promise<void>;
  forgive(): void;
}

/** What a platform's packages are called after: the libraries that an addon is linked with. */
const libraries: Readonly<Record<string, readonly string[]>> = {
  linux: ["-gnu", "-musl"],
  darwin: [""],
  win32: ["-msvc"],
};

/**
 * Loads the addon that was built from this package's source, or the one of the platform's package.
 * @throws BackendUnavailableError if there is none for this platform, or it does not load
 */
export function loadAddon(moduleUrl: string): Addon {
  const createRequire = globalThis.process?.getBuiltinModule?.("node:module")?.createRequire;
  if (createRequire === undefined) throw new BackendUnavailableError("tessera", "it needs Node 20.16 or newer.");
  const require = createRequire(moduleUrl);
  const platform = `${process.platform}-${process.arch}`;
  // Of a platform's packages, installers bring the one that fits.
  const packages = (libraries[process.platform] ?? []).map((library) => `@tessera-lm/backend-${platform}${library}`);
  let failure: Error | undefined;
  for (const place of [`../native/tessera.${platform}.node`, ...packages]) {
    try {
      return require(place);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "MODULE_NOT_FOUND") failure ??= error as Error;
    }
  }
  if (failure) throw new BackendUnavailableError("tessera", `its addon does not load: ${failure.message}.`, failure);
  const missing = `${packages[0] ?? "its package"} is not installed, and in a clone of Tessera it takes cargo`;
  throw new BackendUnavailableError("tessera", `there is no addon for ${platform} (${missing}, https://rustup.rs).`);
}
