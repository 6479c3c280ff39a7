export { makeFolder, writeFileAtomic, writeFolderAtomic } from "./atomic.ts";
export { fileSource } from "./file-source.ts";
export { openGgufFile, writeGgufFile } from "./gguf/file.ts";
export { openSafetensorsFile, writeSafetensorsFile } from "./safetensors/file.ts";
export { openSafetensorsFolder, type SafetensorsFolderOptions, writeSafetensorsFolder } from "./safetensors/folder.ts";
export { openShardedSafetensors } from "./safetensors/sharded.ts";
export { removeLeftovers } from "./temporary.ts";
