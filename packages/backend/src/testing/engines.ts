import { existsSync } from "node:fs";

/** Whether the engine's addon was built here; without cargo there is none. */
export const hasAddon: boolean = existsSync(
  new URL(`../../native/tessera.${process.platform}-${process.arch}.node`, import.meta.url),
);

/** The engine's backends that run here. */
export const engines: readonly ("tessera" | "tessera-wasm")[] = hasAddon
  ? ["tessera", "tessera-wasm"]
  : ["tessera-wasm"];
