import { type GenerateOptions, generateEvents } from "@tessera-lm/gpt";
import type { LanguageModel } from "@tessera-lm/layers";
import { decodeStream, type Tokenizer } from "@tessera-lm/tokenizer";

/**
 * Continues a text, piece by piece: each piece is whole characters, even where tokens are parts of them. Of a text that is
 * longer than the model's context the end counts.
 */
export async function* writeText(
  model: LanguageModel,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions,
): AsyncGenerator<string> {
  const start = tokenizer.encode(prompt);
  const decoder = decodeStream(tokenizer, { after: start });
  for await (const { text } of generateEvents(model, start, { truncatePrompt: true, decoder, ...options })) {
    if (text !== "") yield text;
  }
}

/** The same in one piece. */
export async function writeWholeText(...args: Parameters<typeof writeText>): Promise<string> {
  let text = "";
  for await (const piece of writeText(...args)) text += piece;
  return text;
}
