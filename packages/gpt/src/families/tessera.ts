import { assembleDecoder } from "../decoder.ts";
import { resolveDecoderConfig } from "../decoder-config.ts";
import { decoderShapes } from "../decoder-shapes.ts";
import { assembleEncoder } from "../encoder.ts";
import { resolveEncoderConfig } from "../encoder-config.ts";
import { assembleEncoderDecoder } from "../encoder-decoder.ts";
import { resolveEncoderDecoderConfig } from "../encoder-decoder-config.ts";
import { encoderDecoderShapes } from "../encoder-decoder-shapes.ts";
import { encoderShapes } from "../encoder-shapes.ts";
import type { EncoderFamily } from "./bert.ts";
import { type Family, resolved } from "./family.ts";
import type { DecoderFamily } from "./llama.ts";
import type { EncoderDecoderFamily } from "./t5.ts";

/**
 * Our own format, for models that transformers has no class for: config.json is the configuration itself, and tensors
 * have the paths of the parameters for names.
 */
function ownFamily<Config extends { readonly numLayers: number }, Model extends object>(
  name: string,
  resolve: (config: never) => Config,
  shapesOf: (config: Config) => ReadonlyMap<string, readonly number[]>,
  assemble: Family<Config, Model>["assemble"],
): Family<Config, Model> & { holds(config: Config): boolean } {
  const modelType = `tessera-${name}`;
  return {
    name,
    modelType,
    prefix: "",
    isIgnored: () => false,
    readConfig: ({ model_type: _, ...fields }, file) => resolved(resolve, fields, file),
    writeConfig: (config) => ({ model_type: modelType, ...config }),
    holds: () => true,
    numLayers: ({ numLayers }) => numLayers,
    tensors: (config) => [...shapesOf(config)].map(([path, shape]) => ({ path, name: path, shape, transposed: false })),
    assemble,
  };
}

export const ownDecoder: DecoderFamily = ownFamily("decoder", resolveDecoderConfig, decoderShapes, assembleDecoder);
export const ownEncoder: EncoderFamily = ownFamily("encoder", resolveEncoderConfig, encoderShapes, assembleEncoder);
export const ownEncoderDecoder: EncoderDecoderFamily = ownFamily(
  "encoder-decoder",
  resolveEncoderDecoderConfig,
  encoderDecoderShapes,
  assembleEncoderDecoder,
);
