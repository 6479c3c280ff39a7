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

/** Qwen2 and 2.5 (Yang et al. 2024): Llama with biases of query, key and value; a sliding window in the last layers. */
export const qwen2: DecoderFamily = {
  name: "Qwen2",
  modelType: "qwen2",
  prefix: "model.",
  isIgnored: isIgnoredByLlama,

  readConfig(json, file) {
    const defaults = { vocab_size: 151_936, intermediate_size: 22_016, max_position_embeddings: 32_768 };
    const fields: Json = { ...defaults, num_key_value_heads: 32, ...json };
    return readLlamaLike(fields, file, { queryKeyValueBias: true, ...readWindow(fields, file) });
  },

  writeConfig: (config) => ({
    architectures: ["Qwen2ForCausalLM"],
    model_type: "qwen2",
    ...writeLlamaLike(config),
    layer_types: layerTypes(config),
    ...(config.slidingWindow !== undefined && { max_window_layers: config.numFullAttentionLayers }),
    sliding_window: config.slidingWindow ?? null,
    use_sliding_window: config.slidingWindow !== undefined,
  }),

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

/** Which layers see a window: those from `max_window_layers` on, which newer files spell out as `layer_types`. */
function readWindow(fields: Json, file: string): object {
  const { use_sliding_window: used = false, sliding_window: window = 4096, max_window_layers: first = 28 } = fields;
  if (!used || window === null) return {};
  const types = fields.layer_types;
  if (!Array.isArray(types)) return { slidingWindow: window, numFullAttentionLayers: present(first) };
  const slidingWindow = types.includes("sliding_attention") ? window : undefined;
  const numFullAttentionLayers = types.indexOf("sliding_attention") === -1 ? 0 : types.indexOf("sliding_attention");
  const numLayers = types.length;
  const expected = layerTypes({ numLayers, slidingWindow: slidingWindow as number, numFullAttentionLayers });
  if (String(types) === String(expected)) return { slidingWindow, numFullAttentionLayers };
  throw new UnsupportedModelError(file, "layer_types", types, [expected]);
}

function layerTypes(
  config: Pick<ResolvedDecoderConfig, "numLayers" | "slidingWindow" | "numFullAttentionLayers">,
): string[] {
  const { numLayers, slidingWindow, numFullAttentionLayers } = config;
  return Array.from({ length: numLayers }, (_, layer) =>
    slidingWindow !== undefined && layer >= numFullAttentionLayers ? "sliding_attention" : "full_attention",
  );
}
