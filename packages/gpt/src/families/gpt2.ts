import type { Activation } from "@tessera-lm/layers";
import { type Gpt2Config, type ResolvedGpt2Config, resolveConfig } from "../config.ts";
import { assembleGpt2, type Gpt2 } from "../decoder/gpt2.ts";
import { parameterShapes } from "../parameter-shapes.ts";
import { type Family, type Json, lookUp, present, renamed, requireFields, resolved } from "./family.ts";
import { readTokenIds, writeTokenIds } from "./token-ids.ts";

/**
 * GPT-2 (Radford et al. 2019). In transformers it always has biases: those that a bias-free model lacks are zeros in the
 * file, and `bias: false` is a field of our own, which transformers ignores.
 */
export const gpt2: Family<ResolvedGpt2Config, Gpt2> = {
  name: "GPT-2",
  modelType: "gpt2",
  prefix: "transformer.",

  /** Causal masks that older files carry along, and a copy of a tied head. */
  isIgnored: (name, { tieEmbeddings }) =>
    /(^|\.)h\.\d+\.attn\.(bias|masked_bias)$/.test(name) || (tieEmbeddings && name === "lm_head.weight"),

  /** Of the three rates of dropout that transformers knows, `resid_pdrop` is taken. */
  readConfig(json, file) {
    const fields: Json = { ...DEFAULTS, ...json };
    requireFields(fields, file, FIXED);
    const activation = lookUp(fields, file, "activation_function", ACTIVATIONS);
    const config = {
      vocabSize: fields.vocab_size,
      contextLength: fields.n_positions,
      numLayers: fields.n_layer,
      numHeads: fields.n_head,
      width: fields.n_embd,
      feedForwardWidth: present(fields.n_inner),
      dropout: fields.resid_pdrop,
      bias: fields.bias !== false,
      activation,
      layerNormEpsilon: fields.layer_norm_epsilon,
      tieEmbeddings: fields.tie_word_embeddings,
      endOfText: readTokenIds(fields).endOfText,
    };
    return resolved<Gpt2Config, ResolvedGpt2Config>(resolveConfig, config, file);
  },

  writeConfig: (config) => ({
    activation_function: config.activation === "gelu-tanh" ? "gelu_new" : config.activation,
    architectures: ["GPT2LMHeadModel"],
    attn_pdrop: config.dropout,
    ...(!config.bias && { bias: false }),
    ...writeTokenIds({ beginOfText: [config.endOfText].flat()[0], endOfText: config.endOfText }),
    dtype: "float32",
    embd_pdrop: config.dropout,
    initializer_range: 0.02,
    layer_norm_epsilon: config.layerNormEpsilon,
    model_type: "gpt2",
    n_embd: config.width,
    n_head: config.numHeads,
    n_inner: config.feedForwardWidth === 4 * config.width ? null : config.feedForwardWidth,
    n_layer: config.numLayers,
    n_positions: config.contextLength,
    resid_pdrop: config.dropout,
    tie_word_embeddings: config.tieEmbeddings,
    torch_dtype: "float32", // what `dtype` was called before transformers 4.56
    use_cache: true,
    vocab_size: config.vocabSize,
  }),

  // Its Conv1D weights are (inputs, outputs), as ours.
  tensors: (config) =>
    [...parameterShapes({ ...config, bias: true })].map(([path, shape]) => {
      const optional = !config.bias && isBias(path);
      return { path, name: huggingFaceNames(path), shape, transposed: false, optional };
    }),

  /** A bias-free model that was trained further in transformers has got biases. */
  async settle(config, tensors, read) {
    if (config.bias) return config;
    for (const tensor of tensors) {
      if (isBias(tensor.path) && (await read(tensor)).some((value) => value !== 0)) return { ...config, bias: true };
    }
    return config;
  },

  numLayers: ({ numLayers }) => numLayers,
  assemble: assembleGpt2,
};

const isBias = (path: string): boolean => /\.(bias|shift)$/.test(path);

/** Hugging Face's names for the activations that we have. */
const ACTIVATIONS: ReadonlyMap<unknown, Activation> = new Map([
  ["gelu_new", "gelu-tanh"],
  ["gelu_pytorch_tanh", "gelu-tanh"],
  ["gelu", "gelu"],
  ["relu", "relu"],
  ["silu", "silu"],
]);

/** Fields that transformers can set and that change what the model computes, with the only value that we compute. */
const FIXED: Readonly<Record<string, readonly unknown[]>> = {
  scale_attn_weights: [true],
  scale_attn_by_inverse_layer_idx: [false],
  add_cross_attention: [false],
};

/** What transformers takes for a field that is not there. */
const DEFAULTS: Json = {
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  add_cross_attention: false,
  tie_word_embeddings: true,
  activation_function: "gelu_new",
  layer_norm_epsilon: 1e-5,
  n_embd: 768,
  n_head: 12,
  n_inner: null,
  n_layer: 12,
  n_positions: 1024,
  resid_pdrop: 0.1,
  vocab_size: 50257,
};

const WORDS: Readonly<Record<string, string>> = {
  tokenEmbedding: "transformer.wte",
  positionEmbedding: "transformer.wpe",
  blocks: "transformer.h",
  attentionNorm: "ln_1",
  attention: "attn",
  qkv: "c_attn",
  output: "c_proj",
  feedForwardNorm: "ln_2",
  feedForward: "mlp",
  up: "c_fc",
  down: "c_proj",
  finalNorm: "transformer.ln_f",
  head: "lm_head",
  scale: "weight",
  shift: "bias",
};

/**
 * The name that Hugging Face's GPT2LMHeadModel gives to a module or parameter of ours:
 * `blocks.0.attention.qkv.weight` → `transformer.h.0.attn.c_attn.weight`.
 */
export function huggingFaceNames(path: string): string {
  return renamed(path, WORDS);
}
