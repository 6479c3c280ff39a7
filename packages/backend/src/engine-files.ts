/**
 * Where the engine's files lie. This module stands as deep in the package as what it is built to, so that the paths
 * are the same from both.
 */

/** A module of this package for `require` to begin at. */
export const packageModule: string = import.meta.url;

/** The engine as WebAssembly. Bundlers know this form and bring the file along. */
export const wasmFile: URL = new URL("../wasm/tessera.wasm", import.meta.url);
