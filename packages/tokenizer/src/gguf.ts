export { type GgufMetadata, tokenizerFromGguf } from "./formats/gguf.ts";
export {
  type GgufTokenizerEntry,
  type GgufTokenizerOptions,
  type GgufTokenizerValue,
  tokenizerToGguf,
} from "./formats/write-gguf.ts";
