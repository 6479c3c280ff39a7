export { type LoadAdapterOptions, loadAdapter, type SaveAdapterOptions, saveAdapter } from "./adapter-folder.ts";
export type { ModuleName } from "./adapter-tensors.ts";
export { AdapterFileError, AdapterMismatchError, UnsupportedAdapterError } from "./errors.ts";
