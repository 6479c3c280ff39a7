const SEGMENTS: Readonly<Record<string, string>> = {
  tokenEmbedding: "wte",
  positionEmbedding: "wpe",
  blocks: "h",
  attentionNorm: "ln_1",
  attention: "attn",
  qkv: "c_attn",
  output: "c_proj",
  feedForwardNorm: "ln_2",
  feedForward: "mlp",
  up: "c_fc",
  down: "c_proj",
  finalNorm: "ln_f",
  scale: "weight",
  shift: "bias",
};

/**
 * The name that Hugging Face's GPT2LMHeadModel gives to a module or parameter of ours:
 * `blocks.0.attention.qkv.weight` → `transformer.h.0.attn.c_attn.weight`.
 */
export function huggingFaceNames(path: string): string {
  return ["transformer", ...path.split(".").map((segment) => SEGMENTS[segment] ?? segment)].join(".");
}
