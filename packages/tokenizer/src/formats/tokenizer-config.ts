import type { Tokenizer } from "../tokenizer.ts";

/** The text of a `tokenizer_config.json` with which `transformers` opens the `tokenizer.json` beside it. */
export function describeConfig(tokenizer: Tokenizer): string {
  const endOfText = tokenizer.specialTokens.has("<|endoftext|>") ? "<|endoftext|>" : undefined;
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: endOfText,
    eos_token: endOfText,
    clean_up_tokenization_spaces: false,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
