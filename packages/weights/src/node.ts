export { makeFolder, writeFileAtomic, writeFolderAtomic } from "./atomic.ts";
export { openSafetensorsFile, writeSafetensorsFile } from "./safetensors-file.ts";
export { removeLeftovers } from "./temporary.ts";
