export type { Batch, BatchSource, BatchState } from "./batch.ts";
export type { TokenSource } from "./token-source.ts";
