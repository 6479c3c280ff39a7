import { assembleDecoder } from "../decoder/decoder.ts";
import type { ResolvedDecoderConfig } from "../decoder/decoder-config.ts";
import { UnsupportedModelError } from "../errors.ts";
import { type Json, present } from "./family.ts";
import {
  type DecoderFamily,
  isIgnoredByLlama,
  isLlamaLike,
  llamaTensors,
  readLlamaLike,
  writeLlamaLike,
} from "./llama.ts";

/** Qwen2 and 2.5 (Yang et al. 2024): Llama with biases of query, key and value; a sliding window in some layers. */
export const qwen2: DecoderFamily = {
  name: "Qwen2",
  modelType: "qwen2",
  prefix: "model.",
  isIgnored: isIgnoredByLlama,

  readConfig(json, file) {
    const fields: Json = { ...DEFAULTS, ...json };
    return readLlamaLike(fields, file, { queryKeyValueBias: true, ...readWindow(fields, file) });
  },

  writeConfig(config) {
    const types = layerTypes(config);
    const isUsed = types.includes(SLIDING);
    return {
      architectures: ["Qwen2ForCausalLM"],
      model_type: "qwen2",
      ...writeLlamaLike(config),
      layer_types: types,
      ...(isUsed && { max_window_layers: types.indexOf(SLIDING) }),
      sliding_window: isUsed ? config.slidingWindow : null,
      use_sliding_window: isUsed,
    };
  },

  // Qwen2 in transformers takes no width of a head.
  holds: (config) =>
    isLlamaLike(config) &&
    !config.bias &&
    !config.feedForwardBias &&
    config.queryKeyValueBias &&
    config.headWidth === config.width / config.numHeads,
  tensors: llamaTensors,
  numLayers: ({ numLayers }) => numLayers,
  assemble: assembleDecoder,
};

/** What transformers takes for a field that is not there, where that is not Llama's. */
const DEFAULTS = {
  vocab_size: 151_936,
  intermediate_size: 22_016,
  max_position_embeddings: 32_768,
  num_hidden_layers: 32,
  num_key_value_heads: 32,
};

/** Which layers see a window: those from `max_window_layers` on, unless `layer_types` spells them out. */
function readWindow(fields: Json, file: string): object {
  const { use_sliding_window: used = false, sliding_window: slidingWindow = 4096 } = fields;
  if (!used || slidingWindow === null) return {};
  const types = present(fields.layer_types) ?? typesFrom(fields, file);
  const isType = (type: unknown): boolean => type === SLIDING || type === FULL;
  if (!Array.isArray(types) || !types.every(isType) || types.length !== fields.num_hidden_layers) {
    const expected = `a list of ${fields.num_hidden_layers} times ${FULL} or ${SLIDING}`;
    throw new UnsupportedModelError(file, "layer_types", types, [expected]);
  }
  if (!types.includes(SLIDING)) return {};
  return { slidingWindow, fullAttentionLayers: types.flatMap((type, layer) => (type === FULL ? [layer] : [])) };
}

const [SLIDING, FULL] = ["sliding_attention", "full_attention"];

function typesFrom({ max_window_layers: first = 28, num_hidden_layers: count }: Json, file: string): string[] {
  if (!Number.isInteger(first)) throw new UnsupportedModelError(file, "max_window_layers", first, ["a whole number"]);
  return Array.from({ length: Number(count) }, (_, layer) => (layer >= Number(first) ? SLIDING : FULL));
}

function layerTypes({ numLayers, slidingWindow, fullAttentionLayers }: ResolvedDecoderConfig): string[] {
  const isFull = (layer: number): boolean => slidingWindow === undefined || fullAttentionLayers.includes(layer);
  return Array.from({ length: numLayers }, (_, layer) => (isFull(layer) ? FULL : SLIDING));
}
