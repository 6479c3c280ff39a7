import { assembleDecoder, type Decoder } from "../decoder/decoder.ts";
import { type ResolvedDecoderConfig, resolveDecoderConfig } from "../decoder/decoder-config.ts";
import { decoderShapes } from "../decoder/decoder-shapes.ts";
import { type Family, type Json, present, renamed, requireFields, resolved, storedTensors } from "./family.ts";
import { readRope, writeRope } from "./rope.ts";
import { readTokenIds, writeTokenIds } from "./token-ids.ts";

/** A family of decoder-only models, which also says what configurations it can hold. */
export interface DecoderFamily extends Family<ResolvedDecoderConfig, Decoder> {
  /** Whether transformers' class of this family computes what a decoder of this configuration computes. */
  holds(config: ResolvedDecoderConfig): boolean;
}

/** Llama 2 and 3 (Touvron et al. 2023): rotary positions, RMS norms, SwiGLU, grouped heads. */
export const llama: DecoderFamily = {
  name: "Llama",
  modelType: "llama",
  prefix: "model.",
  isIgnored: isIgnoredByLlama,

  readConfig(json, file) {
    const fields: Json = { attention_bias: false, mlp_bias: false, ...json };
    return readLlamaLike(fields, file, { bias: fields.attention_bias, feedForwardBias: fields.mlp_bias });
  },

  writeConfig: (config) => ({
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    ...writeLlamaLike(config),
    attention_bias: config.bias,
    mlp_bias: config.feedForwardBias,
  }),

  holds: (config) =>
    isLlamaLike(config) && config.queryKeyValueBias === config.bias && config.slidingWindow === undefined,
  tensors: llamaTensors,
  numLayers: ({ numLayers }) => numLayers,
  assemble: assembleDecoder,
};

/** What transformers takes for a field that is not there; Mistral and Qwen2 have some of their own. */
const DEFAULTS: Json = {
  vocab_size: 32_000,
  hidden_size: 4096,
  intermediate_size: 11_008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  max_position_embeddings: 2048,
  hidden_act: "silu",
  rms_norm_eps: 1e-6,
  tie_word_embeddings: false,
  attention_dropout: 0,
};

/** A decoder of Llama's parts from config.json, with what else the family says. */
export function readLlamaLike(json: Json, file: string, more: object): ResolvedDecoderConfig {
  const fields: Json = { ...DEFAULTS, ...json };
  requireFields(fields, file, { hidden_act: ["silu"], pretraining_tp: [undefined, null, 1] });
  const config = {
    family: fields.model_type,
    vocabSize: fields.vocab_size,
    contextLength: fields.max_position_embeddings,
    numLayers: fields.num_hidden_layers,
    numHeads: fields.num_attention_heads,
    numKeyValueHeads: present(fields.num_key_value_heads),
    width: fields.hidden_size,
    headWidth: present(fields.head_dim),
    feedForwardWidth: fields.intermediate_size,
    normEpsilon: fields.rms_norm_eps,
    dropout: fields.attention_dropout,
    tieEmbeddings: fields.tie_word_embeddings,
    ...readRope(fields, file),
    ...readTokenIds(fields),
    ...more,
  };
  return resolved(resolveDecoderConfig, config, file);
}

/** The fields of config.json that Llama, Mistral and Qwen2 share. */
export function writeLlamaLike(config: ResolvedDecoderConfig): Json {
  return {
    ...writeTokenIds(config),
    attention_dropout: config.dropout,
    dtype: "float32",
    head_dim: config.headWidth,
    hidden_act: "silu",
    hidden_size: config.width,
    initializer_range: 0.02,
    intermediate_size: config.feedForwardWidth,
    max_position_embeddings: config.contextLength,
    num_attention_heads: config.numHeads,
    num_hidden_layers: config.numLayers,
    num_key_value_heads: config.numKeyValueHeads,
    rms_norm_eps: config.normEpsilon,
    ...writeRope(config),
    tie_word_embeddings: config.tieEmbeddings,
    torch_dtype: "float32", // what `dtype` was called before transformers 4.56
    use_cache: true,
    vocab_size: config.vocabSize,
  };
}

/** Whether a decoder has Llama's parts, whatever its biases and windows. */
export function isLlamaLike(config: ResolvedDecoderConfig): boolean {
  const { norm, activation, gated, postNorm, positions, width, numHeads } = config;
  const hasParts = norm === "rms" && activation === "silu" && gated && !postNorm && positions === "rotary";
  return hasParts && width % numHeads === 0; // transformers asks for it, whatever the width of a head
}

const WORDS: Readonly<Record<string, string>> = {
  tokenEmbedding: "model.embed_tokens",
  blocks: "model.layers",
  attentionNorm: "input_layernorm",
  attention: "self_attn",
  query: "q_proj",
  key: "k_proj",
  value: "v_proj",
  output: "o_proj",
  feedForwardNorm: "post_attention_layernorm",
  feedForward: "mlp",
  gate: "gate_proj",
  up: "up_proj",
  down: "down_proj",
  finalNorm: "model.norm",
  head: "lm_head",
  scale: "weight",
};

/** The name in Llama, Mistral and Qwen2: `blocks.0.attention.query.weight` → `model.layers.0.self_attn.q_proj.weight`. */
export const llamaName = (path: string): string => renamed(path, WORDS);

export function llamaTensors(config: ResolvedDecoderConfig): ReturnType<typeof storedTensors> {
  return storedTensors(decoderShapes(config), llamaName);
}

/** Tables of angles that older files carry along, and a copy of a tied head. */
export function isIgnoredByLlama(name: string, { tieEmbeddings }: ResolvedDecoderConfig): boolean {
  return name.endsWith(".rotary_emb.inv_freq") || (tieEmbeddings && name === "lm_head.weight");
}
