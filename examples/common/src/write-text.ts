import { type GenerateOptions, generate } from "@tessera-lm/gpt";
import type { LanguageModel } from "@tessera-lm/layers";
import { decodeStream, type Tokenizer } from "@tessera-lm/tokenizer";

/**
 * Continues a text, piece by piece: each piece is whole characters, even where tokens are parts of them. Of a text that is
 * longer than the model's context the end counts.
 */
export function writeText(
  model: LanguageModel,
  tokenizer: Tokenizer,
  prompt: string,
  options: GenerateOptions,
): AsyncGenerator<string> {
  const start = tokenizer.encode(prompt);
  return decodeStream(tokenizer, generate(model, start, { truncatePrompt: true, ...options }), { after: start });
}

/** The same in one piece. */
export async function writeWholeText(...args: Parameters<typeof writeText>): Promise<string> {
  let text = "";
  for await (const piece of writeText(...args)) text += piece;
  return text;
}
