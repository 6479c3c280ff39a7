/** The worker from source: Node 20 does not run TypeScript, so tsx, which runs our sources, is asked to load it. */
import { register } from "tsx/esm/api";

register();
await import("./encode-worker.ts");
