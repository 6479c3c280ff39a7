import { readFile } from "node:fs/promises";
import { download } from "@tessera-examples/common";
import { characterTokenizer, type Tokenizer, tokenizerFromGpt2Files } from "@tessera-lm/tokenizer";
import { trainBytePair } from "@tessera-lm/tokenizer/train";
import type { Preset } from "./presets.ts";

const gpt2Files = {
  encoder: {
    name: "gpt2-encoder.json",
    url: "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/encoder.json",
    sha256: "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
  },
  merges: {
    name: "gpt2-vocab.bpe",
    url: "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/vocab.bpe",
    sha256: "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
  },
};

/**
 * The vocabulary that a preset is meant for: every character of the text, or GPT-2's own byte pairs; without a
 * network, byte pairs learned from the text itself.
 */
export async function chooseTokenizer(preset: Preset, text: string, say: (line: string) => void): Promise<Tokenizer> {
  if (preset.tokenizer === "character") return characterTokenizer(text);
  const [encoder, merges] = await Promise.all([download(gpt2Files.encoder), download(gpt2Files.merges)]);
  if (encoder !== undefined && merges !== undefined) {
    return tokenizerFromGpt2Files({ encoder: await readFile(encoder, "utf8"), merges: await readFile(merges, "utf8") });
  }
  say("GPT-2's vocabulary could not be downloaded: learning byte pairs from the text instead.");
  return trainBytePair([text], { vocabSize: preset.vocabSize ?? 50257, specialTokens: ["<|endoftext|>"] });
}
