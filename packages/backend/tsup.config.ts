import { packageBuild } from "../../scripts/package-build.ts";

export default packageBuild(["index"], { shims: true }); // CommonJS has no import.meta.url to find the engine's files by
