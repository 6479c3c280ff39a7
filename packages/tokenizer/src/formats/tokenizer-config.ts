import type { Tokenizer } from "../tokenizer.ts";

/** The names that special tokens have in published vocabularies, by what `transformers` calls their roles. */
const ROLES = {
  bos_token: ["<s>", "<|begin_of_text|>", "<bos>", "<|endoftext|>"],
  eos_token: ["</s>", "<|end_of_text|>", "<eos>", "<|endoftext|>"],
  unk_token: ["<unk>", "[UNK]"],
  pad_token: ["<pad>", "[PAD]", "<|pad|>"],
  cls_token: ["[CLS]"],
  sep_token: ["[SEP]"],
  mask_token: ["[MASK]", "<mask>"],
};

/** The text of a `tokenizer_config.json` with which `transformers` opens the `tokenizer.json` beside it. */
export function describeConfig({ specialTokens }: Tokenizer): string {
  const roles = Object.entries(ROLES).map(([role, names]) => [role, names.find((name) => specialTokens.has(name))]);
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    ...Object.fromEntries(roles),
    clean_up_tokenization_spaces: false,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
