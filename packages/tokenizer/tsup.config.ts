import { packageBuild } from "../../scripts/package-build.ts";

// CommonJS has no import.meta.url to find the worker's file by.
export default packageBuild(["index", "node", "train", "chat", "gguf", "encode-worker"], { shims: true });
