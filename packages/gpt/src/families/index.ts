import type { ResolvedDecoderConfig } from "../decoder/decoder-config.ts";
import { bert, type EncoderFamily } from "./bert.ts";
import { type DecoderFamily, llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { qwen2 } from "./qwen2.ts";
import { type EncoderDecoderFamily, t5 } from "./t5.ts";
import { ownDecoder, ownEncoder, ownEncoderDecoder } from "./tessera.ts";

/** The families of `Decoder`; the first that holds a configuration is the one that it is saved as. */
export const decoderFamilies: readonly DecoderFamily[] = [llama, mistral, qwen2, ownDecoder];

/** The families of `Encoder`. */
export const encoderFamilies: readonly EncoderFamily[] = [bert, ownEncoder];

/** The families of `EncoderDecoder`. */
export const encoderDecoderFamilies: readonly EncoderDecoderFamily[] = [t5, ownEncoderDecoder];

/** The family that a decoder is saved as: the one that its configuration names, if that holds it, or the first that does. */
export function decoderFamily(config: ResolvedDecoderConfig): DecoderFamily {
  const named = decoderFamilies.filter(({ modelType }) => modelType === config.family);
  return firstHolding([...named, ...decoderFamilies], config);
}

/** The first family that holds a configuration; the last holds all. */
export function firstHolding<Config, F extends { holds(config: Config): boolean }>(
  families: readonly F[],
  config: Config,
): F {
  return families.find((family) => family.holds(config)) as F;
}
