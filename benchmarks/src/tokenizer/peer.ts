/** Tokenizers from npm. Arguments: which, and {@link TokenizerSettings}. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Subject, serve } from "../serve.ts";
import type { TokenizerSettings } from "./contestants.ts";
import { subject } from "./subject.ts";

const peers: Readonly<Record<string, (settings: TokenizerSettings) => Promise<Subject>>> = {
  async "gpt-tokenizer"(settings) {
    const { decode, encode } = await gptTokenizer(settings);
    return subject<number[]>("gpt-tokenizer", settings, {
      encode: (text) => encode(text, { disallowedSpecial: new Set() }),
      decode: (ids) => decode(ids),
    });
  },
  async "tiktoken-wasm"(settings) {
    const { get_encoding } = await import("tiktoken");
    const encoding = get_encoding(encodingName(settings));
    const utf8 = new TextDecoder();
    return subject("tiktoken (wasm)", settings, {
      encode: (text) => encoding.encode_ordinary(text),
      decode: (ids) => utf8.decode(encoding.decode(ids)),
    });
  },
  async "huggingface-js"(settings) {
    const { Tokenizer } = await import("@huggingface/tokenizers");
    const json = readFileSync(join(settings.dataFolder, "tokenizers/gpt2/tokenizer.json"), "utf8");
    const tokenizer = new Tokenizer(JSON.parse(json), {});
    return subject("@huggingface/tokenizers", settings, {
      encode: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
      decode: (ids) => tokenizer.decode(ids, { clean_up_tokenization_spaces: false }),
    });
  },
};

function encodingName({ vocabulary }: TokenizerSettings): "gpt2" | "cl100k_base" | "o200k_base" {
  return vocabulary === "gpt2" ? "gpt2" : `${vocabulary}_base`;
}

async function gptTokenizer({ vocabulary }: TokenizerSettings): Promise<typeof import("gpt-tokenizer")> {
  if (vocabulary === "gpt2") return (await import("gpt-tokenizer/encoding/r50k_base")) as never;
  if (vocabulary === "cl100k") return (await import("gpt-tokenizer/encoding/cl100k_base")) as never;
  return (await import("gpt-tokenizer/encoding/o200k_base")) as never;
}

await serve(async () => {
  const [name = "", settings = "{}"] = process.argv.slice(2);
  return (peers[name] as (typeof peers)[string])(JSON.parse(settings) as TokenizerSettings);
});
