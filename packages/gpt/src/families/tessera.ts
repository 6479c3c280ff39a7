import { assembleDecoder } from "../decoder/decoder.ts";
import { resolveDecoderConfig } from "../decoder/decoder-config.ts";
import { decoderShapes } from "../decoder/decoder-shapes.ts";
import { assembleEncoder } from "../encoder/encoder.ts";
import { resolveEncoderConfig } from "../encoder/encoder-config.ts";
import { encoderShapes } from "../encoder/encoder-shapes.ts";
import { assembleEncoderDecoder } from "../encoder-decoder/encoder-decoder.ts";
import { resolveEncoderDecoderConfig } from "../encoder-decoder/encoder-decoder-config.ts";
import { encoderDecoderShapes } from "../encoder-decoder/encoder-decoder-shapes.ts";
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
