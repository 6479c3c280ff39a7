import type { Activation } from "@tessera-lm/layers";
import type { TensorEntry } from "@tessera-lm/weights";
import { assembleEncoder, type Encoder } from "../encoder/encoder.ts";
import { type EncoderConfig, type ResolvedEncoderConfig, resolveEncoderConfig } from "../encoder/encoder-config.ts";
import { encoderShapes } from "../encoder/encoder-shapes.ts";
import { type Family, type Json, lookUp, present, renamed, requireFields, resolved, storedTensors } from "./family.ts";

/** A family of encoder-only models, which also says what configurations it can hold. */
export interface EncoderFamily extends Family<ResolvedEncoderConfig, Encoder> {
  holds(config: ResolvedEncoderConfig): boolean;
}

/** BERT (Devlin et al. 2018), and MiniLM and its like, which are smaller BERTs. */
export const bert: EncoderFamily = {
  name: "BERT",
  modelType: "bert",
  prefix: "bert.",

  /** Places spelled out, copies of what is tied, and the head for next sentences. */
  isIgnored: (name) =>
    /(^|\.)embeddings\.position_ids$|^cls\.predictions\.decoder\.(weight|bias)$|^cls\.seq_relationship\./.test(name),

  /** The first BERTs call scale and shift of a norm otherwise. */
  canonical: (name) => name.replace(/\.gamma$/, ".weight").replace(/\.beta$/, ".bias"),

  readConfig(json, file, entries) {
    const fields: Json = { ...DEFAULTS, ...json };
    requireFields(fields, file, FIXED);
    const architectures = Array.isArray(fields.architectures) ? fields.architectures : [];
    requireFields({ architectures: architectures[0] }, file, { architectures: [...ARCHITECTURES, undefined] });
    const heads = headsIn(entries);
    const config = {
      vocabSize: fields.vocab_size,
      contextLength: fields.max_position_embeddings,
      numTokenTypes: fields.type_vocab_size,
      numLayers: fields.num_hidden_layers,
      numHeads: fields.num_attention_heads,
      width: fields.hidden_size,
      feedForwardWidth: fields.intermediate_size,
      activation: lookUp(fields, file, "hidden_act", ACTIVATIONS),
      normEpsilon: fields.layer_norm_eps,
      dropout: fields.hidden_dropout_prob,
      padToken: present(fields.pad_token_id),
      ...heads,
      labels: labelsIn(fields, heads.numLabels),
    };
    return resolved(resolveEncoderConfig, config, file);
  },

  writeConfig: (config) => ({
    architectures: [architectureOf(config)],
    attention_probs_dropout_prob: config.dropout,
    dtype: "float32",
    hidden_act: config.activation === "gelu-tanh" ? "gelu_new" : config.activation,
    hidden_dropout_prob: config.dropout,
    hidden_size: config.width,
    ...writeLabels(config),
    initializer_range: 0.02,
    intermediate_size: config.feedForwardWidth,
    layer_norm_eps: config.normEpsilon,
    max_position_embeddings: config.contextLength,
    model_type: "bert",
    num_attention_heads: config.numHeads,
    num_hidden_layers: config.numLayers,
    pad_token_id: config.padToken ?? null,
    position_embedding_type: "absolute",
    tie_word_embeddings: true,
    torch_dtype: "float32", // what `dtype` was called before transformers 4.56
    type_vocab_size: config.numTokenTypes,
    vocab_size: config.vocabSize,
  }),

  holds: ({ norm, gated, postNorm, positions, bias, numTokenTypes }) =>
    norm === "layer" && !gated && postNorm && positions === "learned" && bias && numTokenTypes > 0,
  numLayers: ({ numLayers }) => numLayers,
  tensors: (config) => storedTensors(encoderShapes(config), bertName),
  assemble: assembleEncoder,
};

const ARCHITECTURES = ["BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification"];

function architectureOf({ numLabels, maskedHead }: ResolvedEncoderConfig): string {
  if (numLabels !== undefined) return "BertForSequenceClassification";
  return maskedHead ? "BertForMaskedLM" : "BertModel";
}

/** Hugging Face's names for the activations that we have. */
const ACTIVATIONS: ReadonlyMap<unknown, Activation> = new Map([
  ["gelu", "gelu"],
  ["gelu_new", "gelu-tanh"],
  ["gelu_pytorch_tanh", "gelu-tanh"],
  ["relu", "relu"],
  ["silu", "silu"],
]);

/** Fields that change what the model computes, with the values that we compute. */
const FIXED: Readonly<Record<string, readonly unknown[]>> = {
  is_decoder: [false],
  add_cross_attention: [false],
  position_embedding_type: ["absolute"],
  tie_word_embeddings: [true],
};

/** What transformers takes for a field that is not there. */
const DEFAULTS: Json = {
  is_decoder: false,
  add_cross_attention: false,
  position_embedding_type: "absolute",
  tie_word_embeddings: true,
  vocab_size: 30_522,
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  hidden_act: "gelu",
  hidden_dropout_prob: 0.1,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
};

/** Which heads a file holds; config.json does not say it. */
function headsIn(
  entries: ReadonlyMap<string, TensorEntry>,
): Pick<EncoderConfig, "pooler" | "maskedHead" | "numLabels"> {
  const pooler = entries.has("bert.pooler.dense.weight") || entries.has("pooler.dense.weight");
  const numLabels = entries.get("classifier.weight")?.shape[0];
  return { pooler, maskedHead: entries.has("cls.predictions.bias"), ...(numLabels !== undefined && { numLabels }) };
}

/** The names that a person gave to the classes, if there is one for each. */
function labelsIn({ id2label }: Json, numLabels = 0): readonly unknown[] | undefined {
  const usual = usualLabels(numLabels);
  const names = usual.map((_, label) => Object(id2label)[label]);
  const areGiven = names.every((name) => typeof name === "string") && names.some((name, i) => name !== usual[i]);
  return areGiven ? names : undefined;
}

const usualLabels = (count: number): string[] => Array.from({ length: count }, (_, label) => `LABEL_${label}`);

/** transformers counts classes by their names. */
function writeLabels({ numLabels, labels }: ResolvedEncoderConfig): Json {
  if (numLabels === undefined) return {};
  const names = labels ?? usualLabels(numLabels);
  const ids = Object.fromEntries(names.map((name, label) => [name, label]));
  return { id2label: Object.fromEntries(names.entries()), label2id: ids };
}

const WORDS: Readonly<Record<string, string>> = {
  tokenEmbedding: "bert.embeddings.word_embeddings",
  positionEmbedding: "bert.embeddings.position_embeddings",
  tokenTypeEmbedding: "bert.embeddings.token_type_embeddings",
  embeddingNorm: "bert.embeddings.LayerNorm",
  blocks: "bert.encoder.layer",
  query: "self.query",
  key: "self.key",
  value: "self.value",
  output: "output.dense",
  attentionNorm: "attention.output.LayerNorm",
  feedForward: "",
  up: "intermediate.dense",
  down: "output.dense",
  feedForwardNorm: "output.LayerNorm",
  pooler: "bert.pooler.dense",
  maskedHead: "cls.predictions",
  dense: "transform.dense",
  norm: "transform.LayerNorm",
  scale: "weight",
  shift: "bias",
};

/** `blocks.0.attention.query.weight` → `bert.encoder.layer.0.attention.self.query.weight`. */
export const bertName = (path: string): string => renamed(path, WORDS);
