import { type GenerateOptions, generate } from "@tessera-lm/gpt";
import type { LanguageModel } from "@tessera-lm/layers";
import type { Tokenizer } from "@tessera-lm/tokenizer";

/** Continues a text, piece by piece: each piece is whole characters, even where tokens are parts of them. */
export async function* writeText(
  model: LanguageModel,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions,
): AsyncGenerator<string> {
  const ids: number[] = [];
  let written = 0;
  for await (const id of generate(model, tokenizer.encode(prompt), options)) {
    ids.push(id);
    const text = tokenizer.decode(ids).replace(/\uFFFD+$/, "");
    yield text.slice(written);
    written = text.length;
  }
}

/** The same in one piece. */
export async function writeWholeText(...args: Parameters<typeof writeText>): Promise<string> {
  let text = "";
  for await (const piece of writeText(...args)) text += piece;
  return text;
}
