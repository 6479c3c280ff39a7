import { assembleDecoder } from "../decoder.ts";
import { resolveDecoderConfig } from "../decoder-config.ts";
import { decoderShapes } from "../decoder-shapes.ts";
import { resolved } from "./family.ts";
import type { DecoderFamily } from "./llama.ts";

/**
 * Our own format, for decoders that transformers has no class for: config.json is the configuration itself, and tensors
 * have the paths of the parameters for names.
 */
export const tessera: DecoderFamily = {
  name: "decoder",
  modelType: "tessera-decoder",
  prefix: "",
  isIgnored: () => false,
  readConfig: ({ model_type: _, ...fields }, file) => resolved(resolveDecoderConfig, fields, file),
  writeConfig: (config) => ({ model_type: "tessera-decoder", ...config }),
  holds: () => true,
  tensors: (config) =>
    [...decoderShapes(config)].map(([path, shape]) => ({ path, name: path, shape, transposed: false })),
  numLayers: ({ numLayers }) => numLayers,
  assemble: assembleDecoder,
};
