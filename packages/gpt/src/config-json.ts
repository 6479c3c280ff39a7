import type { Activation } from "@tessera-lm/layers";
import { type Gpt2Config, type ResolvedGpt2Config, resolveConfig } from "./config.ts";
import { ConfigError, UnsupportedModelError } from "./errors.ts";

/** Hugging Face's names for the activations that we have. */
const ACTIVATIONS: ReadonlyMap<unknown, Activation> = new Map([
  ["gelu_new", "gelu-tanh"],
  ["gelu_pytorch_tanh", "gelu-tanh"],
  ["gelu", "gelu"],
]);

/** Fields that transformers can set and that change what the model computes, with the only value that we compute. */
const FIXED: Readonly<Record<string, unknown>> = {
  scale_attn_weights: true,
  scale_attn_by_inverse_layer_idx: false,
  add_cross_attention: false,
  tie_word_embeddings: true,
};

/** What transformers takes for a field that is not there. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  ...FIXED,
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

type Json = Readonly<Record<string, unknown>>;

/** The `config.json` of a GPT2LMHeadModel; `bias: false` is a field of our own, which transformers ignores. */
export function toConfigJson(config: ResolvedGpt2Config): Json {
  return {
    activation_function: config.activation === "gelu" ? "gelu" : "gelu_new",
    architectures: ["GPT2LMHeadModel"],
    attn_pdrop: config.dropout,
    ...(!config.bias && { bias: false }),
    ...tokenIds(config),
    dtype: "float32",
    embd_pdrop: config.dropout,
    initializer_range: 0.02,
    layer_norm_epsilon: config.layerNormEpsilon,
    model_type: "gpt2",
    n_embd: config.width,
    n_head: config.numHeads,
    n_inner: null,
    n_layer: config.numLayers,
    n_positions: config.contextLength,
    resid_pdrop: config.dropout,
    tie_word_embeddings: true,
    torch_dtype: "float32", // what `dtype` was called before transformers 4.56
    use_cache: true,
    vocab_size: config.vocabSize,
  };
}

/** The `generation_config.json` beside it. */
export function toGenerationJson(config: ResolvedGpt2Config): Json {
  return { _from_model_config: true, ...tokenIds(config) };
}

// Without these fields transformers takes 50256, which a small vocabulary does not have.
function tokenIds({ endOfText = null }: { endOfText?: number | null }): Json {
  return { bos_token_id: endOfText, eos_token_id: endOfText };
}

/**
 * Reads a `config.json` of GPT-2. Of the three rates of dropout that transformers knows, `resid_pdrop` is taken.
 * @param file its name, for messages
 * @throws {UnsupportedModelError} for another architecture, or a variant of GPT-2 that computes something else
 * @throws {ConfigError} for a field that is out of range
 */
export function fromConfigJson(json: unknown, file: string): ResolvedGpt2Config {
  const fields: Json = { ...DEFAULTS, ...asObject(json, file) };
  checkSupported(fields, file);
  const config = {
    vocabSize: fields.vocab_size,
    contextLength: fields.n_positions,
    numLayers: fields.n_layer,
    numHeads: fields.n_head,
    width: fields.n_embd,
    dropout: fields.resid_pdrop,
    bias: fields.bias !== false,
    activation: ACTIVATIONS.get(fields.activation_function),
    layerNormEpsilon: fields.layer_norm_epsilon,
    ...(isTokenOf(fields, fields.eos_token_id) && { endOfText: fields.eos_token_id }),
  };
  try {
    return resolveConfig(config as Gpt2Config);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${file}: ${error.message}`) : error;
  }
}

function asObject(json: unknown, file: string): Json {
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Json;
  throw new ConfigError(`${file}: expected an object, as transformers writes it; found ${JSON.stringify(json)}.`);
}

function checkSupported(fields: Json, file: string): void {
  if (fields.model_type !== "gpt2") {
    throw new UnsupportedModelError(file, "model_type", fields.model_type, ["gpt2"]);
  }
  for (const [field, value] of Object.entries(FIXED)) {
    if (fields[field] !== value) throw new UnsupportedModelError(file, field, fields[field], [value]);
  }
  const { activation_function: activation, n_inner: inner, n_embd: width } = fields;
  if (!ACTIVATIONS.has(activation)) {
    throw new UnsupportedModelError(file, "activation_function", activation, [...ACTIVATIONS.keys()]);
  }
  const usual = 4 * Number(width);
  if (inner !== null && inner !== usual) throw new UnsupportedModelError(file, "n_inner", inner, [null, usual]);
}

// Small models are often saved with the default 50256, which their vocabulary does not have.
function isTokenOf({ vocab_size: vocabSize }: Json, token: unknown): boolean {
  return typeof token === "number" && typeof vocabSize === "number" && token < vocabSize;
}
