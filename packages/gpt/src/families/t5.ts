import type { Activation } from "@tessera-lm/layers";
import { assembleEncoderDecoder, type EncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import {
  type ResolvedEncoderDecoderConfig,
  resolveEncoderDecoderConfig,
} from "../encoder-decoder/encoder-decoder-config.ts";
import { encoderDecoderShapes } from "../encoder-decoder/encoder-decoder-shapes.ts";
import { type Family, type Json, lookUp, present, renamed, requireFields, resolved, storedTensors } from "./family.ts";
import { readTokenIds } from "./token-ids.ts";

/** A family of encoder-decoders, which also says what configurations it can hold. */
export interface EncoderDecoderFamily extends Family<ResolvedEncoderDecoderConfig, EncoderDecoder> {
  holds(config: ResolvedEncoderDecoderConfig): boolean;
}

/** T5 (Raffel et al. 2020), 1.0 and 1.1. */
export const t5: EncoderDecoderFamily = {
  name: "T5",
  modelType: "t5",
  prefix: "",

  isIgnored: () => false,

  /** Copies of the shared embedding, one of which may stand for it. */
  canonical: (name) => name.replace(/^(encoder|decoder)\.embed_tokens\.weight$/, "shared.weight"),

  readConfig(json, file, entries) {
    const fields: Json = { ...DEFAULTS, ...json };
    requireFields({ architectures: architecture(fields) }, file, { architectures: [ARCHITECTURE, undefined] });
    const config = {
      vocabSize: fields.vocab_size,
      contextLength: present(fields.n_positions),
      numLayers: fields.num_layers,
      numDecoderLayers: present(fields.num_decoder_layers),
      numHeads: fields.num_heads,
      width: fields.d_model,
      headWidth: fields.d_kv,
      feedForwardWidth: fields.d_ff,
      ...lookUp(fields, file, "feed_forward_proj", PARTS),
      normEpsilon: fields.layer_norm_epsilon,
      numBuckets: fields.relative_attention_num_buckets,
      maxDistance: fields.relative_attention_max_distance,
      dropout: fields.dropout_rate,
      tieEmbeddings: !entries.has("lm_head.weight"), // transformers 5 writes true for all
      scaleOutputs: fields.scale_decoder_outputs ?? fields.tie_word_embeddings !== false,
      decoderStartToken: present(fields.decoder_start_token_id),
      padToken: present(fields.pad_token_id),
      endOfText: readTokenIds(fields).endOfText,
    };
    return resolved(resolveEncoderDecoderConfig, config, file);
  },

  writeConfig: (config) => ({
    architectures: [ARCHITECTURE],
    bos_token_id: null,
    d_ff: config.feedForwardWidth,
    d_kv: config.headWidth,
    d_model: config.width,
    decoder_start_token_id: config.decoderStartToken,
    dropout_rate: config.dropout,
    dtype: "float32",
    eos_token_id: config.endOfText ?? null,
    feed_forward_proj: partsOf(config),
    is_encoder_decoder: true,
    layer_norm_epsilon: config.normEpsilon,
    model_type: "t5",
    n_positions: config.contextLength,
    num_decoder_layers: config.numDecoderLayers,
    num_heads: config.numHeads,
    num_layers: config.numLayers,
    pad_token_id: config.padToken,
    relative_attention_max_distance: config.maxDistance,
    relative_attention_num_buckets: config.numBuckets,
    scale_decoder_outputs: config.scaleOutputs,
    tie_word_embeddings: config.tieEmbeddings,
    torch_dtype: "float32", // what `dtype` was called before transformers 4.56
    use_cache: true,
    vocab_size: config.vocabSize,
  }),

  /** A head that is a copy of the embedding is the embedding. */
  async settle(config, tensors, read) {
    const [embedding, head] = ["tokenEmbedding.weight", "head.weight"].map((path) =>
      tensors.find((tensor) => tensor.path === path),
    );
    if (!config.scaleOutputs || embedding === undefined || head === undefined) return config;
    const [table, copy] = [await read(embedding), await read(head)];
    return table.every((value, i) => value === copy[i]) ? { ...config, tieEmbeddings: true } : config;
  },

  holds: (config) => config.norm === "rms" && partsOf(config) !== undefined,
  numLayers: ({ numLayers, numDecoderLayers }) => numLayers + numDecoderLayers,
  tensors: (config) => storedTensors(encoderDecoderShapes(config), (path) => t5Name(path, config)),
  assemble: assembleEncoderDecoder,
};

const ARCHITECTURE = "T5ForConditionalGeneration";

function architecture({ architectures }: Json): unknown {
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  return first === "T5WithLMHeadModel" ? ARCHITECTURE : first; // what it was first called
}

/** What transformers takes for a field that is not there. */
const DEFAULTS: Json = {
  vocab_size: 32_128,
  d_model: 512,
  d_kv: 64,
  d_ff: 2048,
  num_layers: 6,
  num_heads: 8,
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
  dropout_rate: 0.1,
  layer_norm_epsilon: 1e-6,
  feed_forward_proj: "relu",
  pad_token_id: 0,
  eos_token_id: 1,
};

interface Parts {
  readonly activation: Activation;
  readonly gated: boolean;
}

/** `feed_forward_proj`; "gated-gelu" is T5 1.1's, whose GELU is the approximation. */
const PARTS: ReadonlyMap<unknown, Parts> = new Map([
  ["relu", { activation: "relu", gated: false }],
  ["gated-gelu", { activation: "gelu-tanh", gated: true }],
  ["gelu", { activation: "gelu", gated: false }],
  ["gelu_new", { activation: "gelu-tanh", gated: false }],
  ["silu", { activation: "silu", gated: false }],
  ["gated-relu", { activation: "relu", gated: true }],
  ["gated-silu", { activation: "silu", gated: true }],
]);

function partsOf({ activation, gated }: Parts): unknown {
  return [...PARTS].find(([, parts]) => parts.activation === activation && parts.gated === gated)?.[0];
}

const WORDS: Readonly<Record<string, string>> = {
  tokenEmbedding: "shared",
  head: "lm_head",
  blocks: "block",
  finalNorm: "final_layer_norm",
  attentionNorm: "layer.0.layer_norm",
  attention: "layer.0.SelfAttention",
  crossAttentionNorm: "layer.1.layer_norm",
  crossAttention: "layer.1.EncDecAttention",
  query: "q",
  key: "k",
  value: "v",
  output: "o",
  relativePosition: "relative_attention_bias",
  gate: "wi_0",
  down: "wo",
  scale: "weight",
};

/** `decoder.blocks.0.crossAttention.query.weight` → `decoder.block.0.layer.1.EncDecAttention.q.weight`. */
export function t5Name(path: string, { gated }: Pick<ResolvedEncoderDecoderConfig, "gated">): string {
  const last = path.startsWith("decoder.") ? 2 : 1; // the feed-forward part comes after both attentions
  const feedForward = { feedForwardNorm: `layer.${last}.layer_norm`, feedForward: `layer.${last}.DenseReluDense` };
  return renamed(path, { ...WORDS, ...feedForward, up: gated ? "wi_1" : "wi" });
}
