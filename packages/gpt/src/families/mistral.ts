import { assembleDecoder } from "../decoder/decoder.ts";
import type { ResolvedDecoderConfig } from "../decoder/decoder-config.ts";
import { present } from "./family.ts";
import {
  type DecoderFamily,
  isIgnoredByLlama,
  isLlamaLike,
  llamaTensors,
  readLlamaLike,
  writeLlamaLike,
} from "./llama.ts";

/** Mistral (Jiang et al. 2023): Llama without biases, and with a sliding window. */
export const mistral: DecoderFamily = {
  name: "Mistral",
  modelType: "mistral",
  prefix: "model.",
  isIgnored: isIgnoredByLlama,

  readConfig(json, file) {
    const fields = { ...DEFAULTS, ...json };
    return readLlamaLike(fields, file, { slidingWindow: present(fields.sliding_window) });
  },

  writeConfig: (config) => ({
    architectures: ["MistralForCausalLM"],
    model_type: "mistral",
    ...writeLlamaLike(config),
    sliding_window: config.slidingWindow ?? null,
  }),

  holds: (config) => isLlamaLike(config) && hasNoBias(config) && isEverywhere(config),
  tensors: llamaTensors,
  numLayers: ({ numLayers }) => numLayers,
  assemble: assembleDecoder,
};

/** What transformers takes for a field that is not there, where that is not Llama's. */
const DEFAULTS = {
  intermediate_size: 14_336,
  max_position_embeddings: 4096 * 32,
  num_key_value_heads: 8,
  sliding_window: 4096,
};

const hasNoBias = ({ bias, queryKeyValueBias, feedForwardBias }: ResolvedDecoderConfig): boolean =>
  !bias && !queryKeyValueBias && !feedForwardBias;

const isEverywhere = ({ slidingWindow, fullAttentionLayers }: ResolvedDecoderConfig): boolean =>
  slidingWindow === undefined || fullAttentionLayers.length === 0;
