import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type BytePairTokenizer,
  splitPatterns,
  tokenizerFromGpt2Files,
  tokenizerFromTiktoken,
} from "@tessera-lm/tokenizer";
import type { VocabularyName } from "./contestants.ts";

/** Our tokenizer for a published vocabulary. */
export function loadTokenizer(vocabulary: VocabularyName, dataFolder: string): BytePairTokenizer {
  const read = (path: string): string => readFileSync(join(dataFolder, "tokenizers", path), "utf8");
  if (vocabulary === "gpt2") {
    return tokenizerFromGpt2Files({ encoder: read("gpt2/encoder.json"), merges: read("gpt2/vocab.bpe") });
  }
  return tokenizerFromTiktoken(read(`tiktoken/${vocabulary}_base.tiktoken`), { pattern: splitPatterns[vocabulary] });
}
