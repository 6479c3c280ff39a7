export type { EncodeOptions, TokenId, Tokenizer } from "./tokenizer.ts";
