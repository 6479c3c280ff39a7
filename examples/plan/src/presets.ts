import type { ModelConfig } from "@tessera-lm/gpt";

const gpt2 = (numLayers: number, numHeads: number, width: number): ModelConfig => {
  return { kind: "gpt2", vocabSize: 50_257, contextLength: 1024, numLayers, numHeads, width };
};

const llama = (numLayers: number, numHeads: number, width: number, feedForwardWidth: number): ModelConfig => {
  const sizes = { vocabSize: 32_000, contextLength: 4096, numLayers, numHeads, width, feedForwardWidth };
  return { kind: "decoder", ...sizes };
};

/** Known models, and the three of `npm start`. */
export const presets: Readonly<Record<string, ModelConfig>> = {
  baby: { kind: "gpt2", vocabSize: 65, contextLength: 64, numLayers: 4, numHeads: 4, width: 128, bias: false },
  char: { kind: "gpt2", vocabSize: 65, contextLength: 256, numLayers: 6, numHeads: 6, width: 384, bias: false },
  gpt2: gpt2(12, 12, 768),
  "gpt2-medium": gpt2(24, 16, 1024),
  "gpt2-large": gpt2(36, 20, 1280),
  "gpt2-xl": gpt2(48, 25, 1600),
  "llama-2-7b": llama(32, 32, 4096, 11_008),
  "llama-2-13b": llama(40, 40, 5120, 13_824),
  "bert-base": { kind: "encoder", vocabSize: 30_522, contextLength: 512, numLayers: 12, numHeads: 12, width: 768 },
  "t5-small": { kind: "encoder-decoder", vocabSize: 32_128, numLayers: 6, numHeads: 8, width: 512 },
};
