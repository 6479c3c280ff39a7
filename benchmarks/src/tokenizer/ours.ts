/** Our side of the tokenizer benchmark. Argument: {@link TokenizerSettings}. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { splitPatterns, tokenizerFromGpt2Files, tokenizerFromTiktoken } from "@tessera-lm/tokenizer";
import { serve } from "../serve.ts";
import type { TokenizerSettings } from "./contestants.ts";
import { subject } from "./subject.ts";

await serve(async () => {
  const settings = JSON.parse(process.argv[2] ?? "{}") as TokenizerSettings;
  const tokenizer = load(settings);
  return subject("tessera", settings, {
    encode: (text) => tokenizer.encode(text),
    decode: (ids) => tokenizer.decode(ids),
  });
});

function load({ vocabulary, dataFolder }: TokenizerSettings): ReturnType<typeof tokenizerFromTiktoken> {
  const read = (path: string): string => readFileSync(join(dataFolder, "tokenizers", path), "utf8");
  if (vocabulary === "gpt2") {
    return tokenizerFromGpt2Files({ encoder: read("gpt2/encoder.json"), merges: read("gpt2/vocab.bpe") });
  }
  return tokenizerFromTiktoken(read(`tiktoken/${vocabulary}_base.tiktoken`), { pattern: splitPatterns[vocabulary] });
}
