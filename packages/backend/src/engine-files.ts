/**
 * Where the engine's files lie. This module stands as deep in the package as what it is built to, so that the paths
 * are the same from both.
 */

/** A module of this package for `require` to begin at. */
export const packageModule: string = import.meta.url;

/**
 * The engine as WebAssembly. Bundlers know this form and bring the file along; where they leave no module's URL, as in a
 * classic script, asking for it throws.
 */
export const wasmFile = (): URL => new URL("../wasm/tessera.wasm", import.meta.url);
