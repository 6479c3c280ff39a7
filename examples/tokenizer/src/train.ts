import { readText } from "@tessera-lm/data/node";
import { saveTokenizer } from "@tessera-lm/tokenizer/node";
import { trainBytePair } from "@tessera-lm/tokenizer/train";

/** What to learn from, how much, and where it goes. */
export interface TrainingRun {
  readonly file: string;
  readonly vocabSize: number;
  readonly folder: string;
}

/** Learns a vocabulary from a text and saves it as Hugging Face's tokenizers open it; gives what there is to say of it. */
export async function trainAndSave({ file, vocabSize, folder }: TrainingRun): Promise<string> {
  const text = await readText(file);
  const tokenizer = trainBytePair([text], { vocabSize, specialTokens: ["<|endoftext|>"] });
  await saveTokenizer(tokenizer, folder);
  const bytesPerToken = Buffer.byteLength(text) / tokenizer.encode(text).length;
  return [
    `${tokenizer.vocabSize.toLocaleString("en")} tokens learned, of ${bytesPerToken.toFixed(2)} bytes in this text.`,
    ...(tokenizer.vocabSize < vocabSize ? ["The text has no more pairs to learn from."] : []),
    `Saved in ${folder}. To open it`,
    `  here:       await loadTokenizer(${JSON.stringify(folder)})`,
    `  in Python:  tokenizers.Tokenizer.from_file(${JSON.stringify(`${folder}/tokenizer.json`)})`,
  ].join("\n");
}
