import type { ResolvedDecoderConfig } from "../decoder-config.ts";
import { type DecoderFamily, llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { qwen2 } from "./qwen2.ts";
import { tessera } from "./tessera.ts";

/** The families of `Decoder`; the first that holds a configuration is the one that it is saved as. */
export const decoderFamilies: readonly DecoderFamily[] = [llama, mistral, qwen2, tessera];

/** The family that a decoder is saved as: the one that its configuration names, if that holds it, or the first that does. */
export function decoderFamily(config: ResolvedDecoderConfig): DecoderFamily {
  const named = decoderFamilies.filter(({ modelType }) => modelType === config.family);
  return [...named, ...decoderFamilies].find((family) => family.holds(config)) ?? tessera;
}
