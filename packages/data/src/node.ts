export { type DocumentTokens, openTokenShards, type TokenShards } from "./open-token-shards.ts";
export { readText } from "./read-text.ts";
export type { Part } from "./shard-format.ts";
export { tokenizerFingerprint } from "./tokenizer-fingerprint.ts";
export { type TokenCounts, type WriteTokenShardsOptions, writeTokenShards } from "./write-token-shards.ts";
